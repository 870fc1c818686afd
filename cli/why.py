"""`memhp why`: what holds a block, who, what refuses, and what helps; or what a log says of it."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from errno import errorcode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units

from .files import fail
from .output.streams import UsageError
from .output.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.judging.explanations import Explanation
    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.reading.holders import Holder, Holding
    from memhp.machines.reading.pageflags import FrameKind
    from memhp.machines.reading.sysfs import MachineReading

_EPILOG = """examples:
  memhp why 32                     what is in block 32 of this machine, and why it stays (as root)
  memhp why 32-39 41 --json
  memhp why 32 --machine my.tar.gz    a record, a dump of sysfs or a vmcore
  dmesg | memhp why --log -        what a removal that failed left in the kernel's log
  memhp why --log                  the same from this machine's log
  memhp why --log trace.txt        lines of test_pages_isolated and mm_migrate_pages, too

To root the kernel tells of each page who refers to it (/proc/kcore), and of each process what it
maps (/proc/PID/pagemap).  What cannot be read is left out, and said to be.
"""
_KMSG = "/dev/kmsg"
_MOST_LOG = 1 << 26
_MOST_BLOCKS = 1 << 12
_SHOWN = 5
"""How many processes are shown of each block, and how many things that one maps."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "why",
        help="what holds a block of memory, who, and what can be done",
        description="Says of blocks what is in them, which processes map it, which pages do not go,"
        " which guard refuses or where a removal does not end, with which errno, and what helps.",
        epilog=_EPILOG,
    )
    parser.add_argument("blocks", nargs="*", metavar="BLOCK", help="a number or a range: 32-39")
    parser.add_argument("--machine", metavar="PATH", help="another machine, as inspect takes it")
    parser.add_argument(
        "--log",
        nargs="?",
        const=_KMSG,
        metavar="FILE",
        help="explain the kernel's log: a file, - for standard input; without, this machine's",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read and explain; the exit code is 2 for anything that cannot be read."""
    from memhp.machines.reading.errors import MachineError

    try:
        if (args.log is None) == (not args.blocks):
            raise UsageError("name blocks, such as 32 or 32-39, or give --log")
        if args.log is None:
            document = _of_blocks(args.machine or "/", _numbers(args.blocks))
        elif args.machine is not None:
            raise UsageError("--machine is about blocks: --log needs none")
        else:
            document = _of_log(args.log)
    except (MachineError, UsageError) as error:
        return fail("why", error)
    if args.json:
        print(json.dumps(document, indent=1))
    else:
        _show(document)
    return 0


def _numbers(words: Sequence[str]) -> list[int]:
    """The block numbers that the user names."""
    numbers: dict[int, None] = {}
    for word in words:
        match = re.fullmatch(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", word, re.ASCII)
        first = last = 0
        if match is not None:
            first, last = int(match[1]), int(match[2] or match[1])
        if match is None or last < first:
            raise UsageError(f"a block is a number, or a range such as 32-39, not {word!r}")
        if last - first + len(numbers) >= _MOST_BLOCKS:
            raise UsageError(f"ask about at most {_MOST_BLOCKS} blocks at once")
        numbers.update(dict.fromkeys(range(first, last + 1)))
    return list(numbers)


def _of_blocks(path: str, numbers: list[int]) -> dict[str, Any]:
    """The document about blocks of a machine."""
    from memhp.machines.judging.offline import design_of, judge
    from memhp.machines.reading.any_machine import read_any
    from memhp.machines.reading.architecture import architecture_of

    reading = read_any(path)
    there = {block.number for block in reading.blocks}
    for number in numbers:
        if number not in there:
            raise UsageError(f"{reading.source} has no memory block {number}: memhp inspect lists")
    stays = architecture_of(reading, None).boot_memory_stays
    judgements = judge(reading, design_of(reading), boot_memory_stays=stays)
    judged = {each.number: each for each in judgements}
    holding = _holding(reading, numbers)
    blocks = [_block(reading, judged[number], holding) for number in numbers]
    return {
        "schema": "memhp-why/1",
        "source": reading.source,
        "page_size": reading.page_size,
        "notes": list(_notes(reading, holding)),
        "blocks": blocks,
        "log": None,
    }


def _holding(reading: MachineReading, numbers: list[int]) -> Holding | None:
    """Who holds these blocks; None where nobody can tell: of a record, and to others than root."""
    from memhp.machines.reading.holders import holding_of

    size, page = reading.block_size, reading.page_size
    if not reading.live or size is None or page is None or os.geteuid() != 0:
        return None
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
        "why": [_explanation(each) for each in why_not_of(reading, judged)],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "process": holder.process,
        "name": holder.name,
        "frames": holder.frames,
        "of": dict(sorted(holder.of.items(), key=lambda pair: (-pair[1], pair[0]))),
        "open": list(holder.devices),
    }


def _explanation(each: Explanation) -> dict[str, Any]:
    return {
        "line": each.line or None,
        "text": each.text,
        "guard": each.guard,
        "errno": None if each.errno is None else errorcode[each.errno],
        "cures": [{"text": cure.text, "source": cure.source} for cure in each.cures],
    }


def _of_log(path: str) -> dict[str, Any]:
    """The document about a log."""
    from memhp.machines.judging.explanations import explained
    from memhp.machines.reading.kernel_log import LogEvent, events_in

    lines = _log_lines(path)
    events: list[LogEvent] = []
    strange: list[int] = []
    for event in events_in(lines):
        if isinstance(event, int):
            strange.append(event)
        else:
            events.append(event)
    return {
        "schema": "memhp-why/1",
        "source": path,
        "page_size": None,
        "notes": [],
        "blocks": [],
        "log": {
            "lines": len(lines),
            "not_understood": len(strange),
            "first_not_understood": strange[0] if strange else None,
            "why": [_explanation(each) for each in explained(events)],
        },
    }


def _log_lines(path: str) -> list[str]:
    from memhp.checks.support.files import read_whole
    from memhp.machines.reading.kernel_log import lines_of_kmsg

    try:
        if path == _KMSG:
            return lines_of_kmsg(_KMSG, _MOST_LOG)
        content = read_whole(Path("/dev/stdin" if path == "-" else path), _MOST_LOG)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: cannot be read ({problem})") from None
    return content.decode("utf-8", "replace").splitlines()


def _show(document: dict[str, Any]) -> None:
    from .output.terminal import console

    out = console()
    for note in document["notes"]:
        say(out, f"note: {note}")
    for block in document["blocks"]:
        _show_block(out, block, document["page_size"] or 0)
    log = document["log"]
    if log is None:
        return
    for each in log["why"]:
        _show_why(out, each, f"line {each['line']}: ")
    if not log["why"]:
        out.print("nothing in it tells of memory that did not go, or was not added")
    if log["not_understood"]:
        of, first = f"{log['not_understood']} of {log['lines']}", log["first_not_understood"]
        say(out, f"{of} lines are not understood, line {first} first")


def _show_block(out: Console, block: dict[str, Any], page: int) -> None:
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
        _show_why(out, each, "  ")


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


def _show_why(out: Console, each: dict[str, Any], before: str) -> None:
    code = f"{each['errno']}: " if each["errno"] else ""
    guard = f" ({each['guard']})" if each["guard"] else ""
    say(out, f"{before}{code}{each['text']}{guard}")
    for cure in each["cures"]:
        say(out, f"{' ' * len(before)}cure: {cure['text']}. Source: {cure['source']}")


def _frames(count: int, page: int) -> str:
    """So many frames, and how much that is."""
    return f"{count} ({in_units(count * page)})" if page else str(count)
