"""The steps that a plan's document says: whoever wrote it, nothing else is ever written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MOST_BYTES", "PlanError", "Planned", "Step", "planned"]

MOST_BYTES = 1 << 28
"""A plan's document is no larger: half a million steps."""

_SCHEMA = "memhp-plan/1"
_BACK = ("online_movable", "online_kernel")
_MOST = 1 << 63
_LONGEST = 86_400.0
"""Seconds that a write may be given at most."""


class PlanError(ValueError):
    """A document that is no plan, or a plan that is not for this; the message is one line."""


@dataclass(frozen=True)
class Step:
    """One block that goes offline: from which zone, within how many seconds, and the way back.

    ``low`` and ``high`` bound the bytes that are to move.
    """

    block: int
    node: int
    zone: str
    limit: float
    back: str
    low: int
    high: int


@dataclass(frozen=True)
class Planned:
    """What a plan says, as far as it is done: for which machine, which steps in which order.

    ``boot`` is what the kernel called the boot in which the plan was made, if that was told;
    ``already`` are the blocks that were offline before.
    """

    words: str
    source: str
    live: bool
    verdict: str
    whole: bool
    block_size: int
    page_size: int
    boot: str | None
    steps: tuple[Step, ...]
    document: Mapping[str, Any]


def planned(document: object) -> Planned:
    """The plan in a document that `memhp plan` wrote.

    Raises:
        PlanError: it is none.
    """
    if not isinstance(document, Mapping) or document.get("schema") != _SCHEMA:
        raise PlanError(f"not a plan: its schema is not {_SCHEMA} (memhp plan --out writes one)")
    machine, goal = _part(document, "machine", dict), _part(document, "goal", dict)
    boot = machine.get("boot")
    steps = tuple(_step(each, at) for at, each in enumerate(_part(document, "steps", list)))
    blocks = [step.block for step in steps]
    if len(set(blocks)) < len(blocks):
        raise PlanError("not a plan: a block goes twice")
    return Planned(
        words=_part(goal, "words", str)[:200],
        source=_part(document, "source", str)[:200],
        live=_part(document, "live", bool),
        verdict=_part(document, "verdict", str)[:20],
        whole=document.get("nearest") is None,
        block_size=_number(machine, "block_size"),
        page_size=_number(machine, "page_size"),
        boot=boot if isinstance(boot, str) else None,
        steps=steps,
        document=document,
    )


def _step(each: object, at: int) -> Step:
    try:
        if not isinstance(each, dict):
            raise PlanError("not a plan: it is no object")
        moves, limit, zone = each.get("moves"), each.get("limit"), _part(each, "zone", str)
        if not isinstance(moves, dict):
            raise PlanError("not a plan: moves is no object")
        if not isinstance(limit, int | float) or not 0 < limit <= _LONGEST:
            raise PlanError(f"not a plan: limit is no time up to {_LONGEST:g} seconds")
        if each.get("back") not in _BACK or not zone.isalnum() or len(zone) > 16:
            raise PlanError(f"not a plan: back is none of {', '.join(_BACK)}, or zone no zone")
        return Step(
            block=_number(each, "block"),
            node=_number(each, "node"),
            zone=zone,
            limit=float(limit),
            back=each["back"],
            low=_number(moves, "low"),
            high=_number(moves, "high"),
        )
    except PlanError as error:
        raise PlanError(f"{error}, in step {at + 1}") from None


def _part(document: Mapping[str, Any], name: str, kind: type) -> Any:
    value = document.get(name)
    if not isinstance(value, kind):
        raise PlanError(f"not a plan: {name} is missing, or no {kind.__name__}")
    return value


def _number(document: Mapping[str, Any], name: str) -> int:
    value = _part(document, name, int)
    if isinstance(value, bool) or not 0 <= value < _MOST:
        raise PlanError(f"not a plan: {name} is no number")
    return int(value)
