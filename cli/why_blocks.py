"""What is in blocks, who holds them, what refuses, and what helps: for `why`, and `inspect -v`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units
from memhp.spec.language.errnos import errorcode

from .output.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.judging.explanations import Explanation
    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.reading.holders import Holder, Holding
    from memhp.machines.reading.pageflags import FrameKind
    from memhp.machines.reading.sysfs import MachineReading

__all__ = ["block_documents", "explanation_document", "show_block", "show_why"]

_SHOWN = 5
"""How many processes are shown of each block, and how many things that one maps."""


def block_documents(
    reading: MachineReading, judgements: Iterable[BlockJudgement]
) -> tuple[list[dict[str, Any]], list[str]]:
    """A document on each of these blocks, and what could not be read.

    Args:
        reading: the machine.
        judgements: on some of its blocks.
    """
    judged = list(judgements)
    holding = _holding(reading, [each.number for each in judged])
    return [_block(reading, each, holding) for each in judged], list(_notes(reading, holding))


def _holding(reading: MachineReading, numbers: list[int]) -> Holding | None:
    """Who holds these blocks; None where nobody can tell: of a record, and to others than root."""
    size, page = reading.block_size, reading.page_size
    if not reading.live or size is None or page is None or os.geteuid() != 0:
        return None
    from memhp.machines.reading.holders import holding_of  # numpy

    evidence = reading.evidence or {}
    asked = {
        stuck.frame for number in numbers if number in evidence for stuck in evidence[number].stuck
    }
    return holding_of(numbers, frames=size // page, asked=asked)


def _notes(reading: MachineReading, holding: Holding | None) -> Iterator[str]:
    yield from reading.notes
    if reading.frames is None:
        yield "what the frames are used for is not told"
    elif reading.evidence is None:
        yield "who refers to each page is not told: page structures were not read"
    if holding is None:
        yield "which processes map the blocks is not told: root on the machine itself may ask"
    elif holding.unread:
        yield f"{holding.unread} processes were not looked at: they ended, or are hidden"


def _block(
    reading: MachineReading, judged: BlockJudgement, holding: Holding | None
) -> dict[str, Any]:
    from memhp.machines.judging.explanations import why_not_of

    number = judged.number
    kinds: Mapping[FrameKind, int] = (reading.frames or {}).get(number, {})
    evidence = (reading.evidence or {}).get(number)
    holders = [] if holding is None else holding.of_block[number]
    return {
        "number": number,
        "node": judged.node,
        "state": judged.state,
        "zone": judged.zone,
        "verdict": judged.verdict,
        "kinds": {kind.value: count for kind, count in kinds.items() if count},
        "untold": None if evidence is None else evidence.untold,
        "at_boot": None if evidence is None else evidence.early,
        "stuck": [
            {
                "frame": page.frame,
                "kind": page.kind.value,
                "frames": page.frames,
                "references": page.references,
                "unexplained": page.excess,
                "mapped_by": [] if holding is None else holding.of_frame.get(page.frame, []),
            }
            for page in (() if evidence is None else evidence.stuck)
        ],
        "holders": [_holder(each) for each in holders],
        "why": [explanation_document(each) for each in why_not_of(reading, judged)],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "process": holder.process,
        "name": holder.name,
        "frames": holder.frames,
        "of": dict(sorted(holder.of.items(), key=lambda pair: (-pair[1], pair[0]))),
        "open": list(holder.devices),
    }


def explanation_document(each: Explanation) -> dict[str, Any]:
    """What explains a failure, and what helps, as JSON has it."""
    return {
        "line": each.line or None,
        "text": each.text,
        "guard": each.guard,
        "errno": None if each.errno is None else errorcode[each.errno],
        "cures": [{"text": cure.text, "source": cure.source} for cure in each.cures],
    }


def show_block(out: Console, block: dict[str, Any], page: int) -> None:
    """Print the document on a block.

    Args:
        out: where.
        block: the document.
        page: bytes of a page; 0 if that is not known.
    """
    where = [f"node {block['node']}" if block["node"] is not None else "", block["zone"] or ""]
    about = ", ".join(part for part in (*where, block["state"] or "") if part)
    say(out, f"block {block['number']} ({about or 'nothing else is told'}): {block['verdict']}")
    if block["kinds"]:
        parts = sorted(block["kinds"].items(), key=lambda pair: (-pair[1], pair[0]))
        say(out, f"  has {', '.join(f'{kind} {_frames(count, page)}' for kind, count in parts)}")
    if block["untold"]:
        say(out, f"  of {block['untold']} frames it is not told who refers to them")
    for stuck in block["stuck"]:
        say(out, f"  does not go: {_stuck(stuck)}")
    for holder in block["holders"][:_SHOWN]:
        of = ", ".join(f"{what} {count}" for what, count in list(holder["of"].items())[:_SHOWN])
        open_ = f"; has open {', '.join(holder['open'])}" if holder["open"] else ""
        say(
            out,
            f"  process {holder['process']} ({holder['name']}) maps"
            f" {_frames(holder['frames'], page)}: {of}{open_}",
        )
    if len(block["holders"]) > _SHOWN:
        say(out, f"  and {len(block['holders']) - _SHOWN} more processes")
    for each in block["why"]:
        show_why(out, each, "  ")


def _stuck(stuck: dict[str, Any]) -> str:
    size = f" and {stuck['frames'] - 1} behind it" if stuck["frames"] > 1 else ""
    over = (
        f", {stuck['unexplained']} of them nobody's that is known" if stuck["unexplained"] else ""
    )
    mapped = f"; mapped by {', '.join(map(str, stuck['mapped_by']))}" if stuck["mapped_by"] else ""
    return (
        f"frame {stuck['frame']:#x}{size}, {stuck['kind']}: {stuck['references']} references"
        f"{over}{mapped}"
    )


def show_why(out: Console, each: dict[str, Any], before: str) -> None:
    """Print an explanation; ``before`` begins its line."""
    code = f"{each['errno']}: " if each["errno"] else ""
    guard = f" ({each['guard']})" if each["guard"] else ""
    say(out, f"{before}{code}{each['text']}{guard}")
    for cure in each["cures"]:
        say(out, f"{' ' * len(before)}cure: {cure['text']}. Source: {cure['source']}")


def _frames(count: int, page: int) -> str:
    """So many frames, and how much that is."""
    return f"{count} ({in_units(count * page)})" if page else str(count)
