"""A plan as a document that programs read; `memhp apply` does what its steps say."""

from __future__ import annotations

from typing import Any

from ..judging.removal_time import Span
from ..reading.sysfs import MachineReading
from .advice import after_it, before_it
from .around import Left
from .cores import Fact
from .facts import SURE
from .goals import Goal
from .order import Move
from .plan import Plan
from .times import Duration
from .whole import Whole

__all__ = ["SCHEMA", "plan_document", "way_back"]

SCHEMA = "memhp-plan/1"

_LEAST_LIMIT = 60.0
"""Seconds that a write may take at least, however short it is to be."""


def way_back(zone: str) -> str:
    """What is written to a block's state so that it is online in the zone that it was in.

    >>> way_back("Movable"), way_back("Normal")
    ('online_movable', 'online_kernel')
    """
    return "online_movable" if zone == "Movable" else "online_kernel"


def plan_document(plan: Plan, reading: MachineReading, design: dict[str, Any]) -> dict[str, Any]:
    """The document; sizes and addresses in bytes.

    Args:
        plan: what is to be done.
        reading: the machine that it is for.
        design: by which it was judged, in names.
    """
    page = reading.page_size or 0
    return {
        "schema": SCHEMA,
        "source": reading.source,
        "live": reading.live,
        "design": design,
        "machine": {"block_size": reading.block_size, "page_size": page, "boot": reading.boot},
        "goal": _goal(plan.goal),
        "verdict": plan.verdict,
        "doubts": list(plan.doubts),
        "wanted": plan.wanted.count,
        "already_offline": list(plan.wanted.gone),
        "nearest": plan.nearest,
        "obstacles": [[_fact(fact) for fact in core] for core in plan.obstacles],
        "first": list(before_it(plan, reading)),
        "steps": [
            _step(move, duration, reading)
            for move, duration in zip(plan.moves, plan.durations, strict=True)
        ],
        "afterwards": list(after_it(plan, reading)),
        "seconds": _seconds(plan.duration),
        "reboot": None if plan.reboot is None else _bounds(plan.reboot.seconds),
        "left": _left(plan.left),
        "bound": list(plan.bound),
        "cost": {"pages_by_distance": plan.cost, "least": plan.least, "proved": plan.optimal},
        "certified": {
            "steps": plan.certificate.done,
            "failures": list(plan.certificate.failures),
        },
        "engine": _engine(plan.whole, page),
        "notes": list(plan.notes),
    }


def _engine(whole: Whole | None, page: int) -> dict[str, Any] | None:
    if whole is None:
        return None
    return {
        "steps": whole.done,
        "moved": whole.moved * page,
        "frame": whole.unit * page,
        "failures": list(whole.failures),
    }


def _goal(goal: Goal) -> dict[str, Any]:
    return {
        "words": goal.words,
        "size": goal.size,
        "node": goal.node,
        "blocks": [[each.start, each.stop - 1] for each in goal.blocks],
        "device": goal.device,
        "keep": [[each.start, each.stop - 1] for each in goal.keep],
        "to": None if goal.to is None else list(goal.to),
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "name": fact.name,
        "text": fact.text,
        "holder": fact.holder or None,
        "cures": list(fact.cures),
    }


def _step(move: Move, duration: Duration, reading: MachineReading) -> dict[str, Any]:
    block, size, page = move.block, reading.block_size or 0, reading.page_size or 0
    return {
        "block": block.number,
        "address": block.number * size,
        "node": block.place.node,
        "zone": block.place.zone,
        "device": reading.devices.get(block.number),
        "wave": move.wave,
        "sure": SURE[block.sure],
        "moves": {
            "low": move.moved.low * page,
            "expected": move.moved.expected * page,
            "high": move.moved.high * page,
        },
        "to": [
            {"node": place.node, "zone": place.zone, "bytes": pages * page}
            for place, pages in move.to
        ],
        "reclaims": move.reclaimed * page,
        "seconds": _seconds(duration),
        "limit": max(_LEAST_LIMIT, round(2 * duration.high, 1)),
        "back": way_back(block.place.zone),
    }


def _seconds(duration: Duration) -> dict[str, Any]:
    return {
        "low": duration.low,
        "expected": duration.expected,
        "high": duration.high,
        "endless": list(duration.endless),
    }


def _bounds(span: Span) -> dict[str, float | None]:
    return {"lower": span.lower, "upper": span.upper}


def _left(left: Left | None) -> dict[str, Any] | None:
    if left is None:
        return None
    return {
        "free": [{"node": node, "bytes": size} for node, size in left.free],
        "kernel": left.kernel,
        "movable": left.movable,
        "memoryless_nodes": list(left.memoryless),
    }
