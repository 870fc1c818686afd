"""`memhp why`: what holds a block, who, what refuses, and what helps; or what a log says of it."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memhp.machines.reading.kernel_log import KMSG

from .files import fail
from .output.streams import UsageError
from .output.terminal import say
from .why_blocks import block_documents, explanation_document, show_block, show_why

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
_MOST_LOG = 1 << 26
_MOST_BLOCKS = 1 << 12


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
        const=KMSG,
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
    blocks, notes = block_documents(reading, [judged[number] for number in numbers])
    return {
        "schema": "memhp-why/1",
        "source": reading.source,
        "page_size": reading.page_size,
        "notes": notes,
        "blocks": blocks,
        "log": None,
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
            "why": [explanation_document(each) for each in explained(events)],
        },
    }


def _log_lines(path: str) -> list[str]:
    from memhp.checks.support.files import read_whole
    from memhp.machines.reading.kernel_log import lines_of_kmsg

    try:
        if path == KMSG:
            return lines_of_kmsg(KMSG, _MOST_LOG)
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
        show_block(out, block, document["page_size"] or 0)
    log = document["log"]
    if log is None:
        return
    for each in log["why"]:
        show_why(out, each, f"line {each['line']}: ")
    if not log["why"]:
        out.print("nothing in it tells of memory that did not go, or was not added")
    if log["not_understood"]:
        of, first = f"{log['not_understood']} of {log['lines']}", log["first_not_understood"]
        say(out, f"{of} lines are not understood, line {first} first")
