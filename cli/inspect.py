"""`memhp inspect`: which memory of a real machine can go, and why the rest cannot."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from errno import errorcode
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .common import UsageError, console, fail, in_units

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.estimate import BlockJudgement
    from memhp.machines.sysfs import MachineReading

_EPILOG = """examples:
  memhp inspect                    this machine (as root it sees page flags and holes)
  memhp inspect sysfs.tar.bz2      a tar of another machine's /sys, never unpacked
  memhp inspect --node 1 --json

Yes means that going offline may begin: a page that is pinned meanwhile, or a memory
notifier, can still stop it.
"""
_COLOURS = {"yes": "green", "no": "red", "cannot tell": "yellow"}


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "inspect",
        help="a real machine: which blocks can go offline, and why not",
        description="Reads a machine's memory blocks and asks the specification which of them"
        " could go offline now.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "path", nargs="?", default="/", help="/, a directory with a sys/ tree, or a tar of one"
    )
    parser.add_argument("--node", type=int, metavar="N", help="this node only")
    parser.add_argument("--no-page-flags", action="store_true", help="leave kpageflags unread")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, judge and show; exit 2 for anything that is no machine."""
    from memhp.machines.errors import MachineError
    from memhp.machines.estimate import invariants, judge
    from memhp.machines.sysfs import read_machine
    from memhp.spec.system import SYSTEM

    try:
        reading = read_machine(args.path, page_flags=not args.no_page_flags)
        judgements = judge(reading, SYSTEM)
        if args.node is not None:
            judgements = _of_node(reading, judgements, args.node)
    except (MachineError, UsageError) as error:
        return fail("inspect", error)
    if args.json:
        print(json.dumps(_document(reading, judgements), indent=1))
    else:
        _show(console(), reading, judgements, len(invariants(SYSTEM)))
    return 0


def _of_node(
    reading: MachineReading, judgements: Sequence[BlockJudgement], node: int
) -> tuple[BlockJudgement, ...]:
    """The judgements on blocks of the node, those that it shares with another included."""
    nodes = {block.number: block.nodes for block in reading.blocks}
    found = tuple(judged for judged in judgements if node in nodes[judged.number])
    if not found:
        known = sorted({each for its in nodes.values() for each in its})
        shown = ", ".join(map(str, known)) or "none"
        raise UsageError(f"no memory block is on node {node}; nodes with blocks: {shown}")
    return found


def _show(
    out: Console, reading: MachineReading, judgements: Sequence[BlockJudgement], checked: int
) -> None:
    size = "unknown" if reading.block_size is None else in_units(reading.block_size)
    derived = " (derived)" if reading.block_size_derived else ""
    out.print(f"{reading.source}: {len(judgements)} blocks of {size}{derived}", markup=False)
    for note in reading.notes:
        out.print(f"note: {note}", markup=False, soft_wrap=True)
    for node, group in groupby(sorted(judgements, key=_place), key=lambda j: j.node):
        _show_node(out, node, list(group))
    out.print()
    out.print(_summary(reading, judgements))
    broken = Counter(name for judgement in judgements for name in judgement.violated)
    out.print(f"invariants: {checked} checked, {len(broken)} violated")
    for name, count in broken.items():
        out.print(f"  {name}: by {count} blocks")


def _place(judgement: BlockJudgement) -> tuple[int, int]:
    return (-1 if judgement.node is None else judgement.node, judgement.number)


def _show_node(out: Console, node: int | None, judgements: list[BlockJudgement]) -> None:
    from rich.table import Table

    table = Table("blocks", "state", "zone", "can go", "", "why", box=None, pad_edge=False)
    table.columns[5].overflow = "fold"
    for run_of in _runs(judgements):
        first, last = run_of[0], run_of[-1]
        numbers = str(first.number) if first is last else f"{first.number}-{last.number}"
        colour = _COLOURS[first.verdict]
        table.add_row(
            numbers,
            first.state or "?",
            first.zone or "?",
            f"[{colour}]{first.verdict}[/{colour}]",
            "" if first.errno is None else errorcode[first.errno],
            _why(first) if first.guard is None else f"{_why(first)} ({first.guard})",
        )
    out.print()
    out.print("node unknown, or several" if node is None else f"node {node}")
    out.print(table)


def _runs(judgements: list[BlockJudgement]) -> Iterator[list[BlockJudgement]]:
    """Consecutive blocks of which the same is said."""
    current: list[BlockJudgement] = []
    for judgement in judgements:
        if current and not (
            judgement.number == current[-1].number + 1 and _said(judgement) == _said(current[-1])
        ):
            yield current
            current = []
        current.append(judgement)
    if current:
        yield current


def _said(judgement: BlockJudgement) -> tuple[object, ...]:
    return (judgement.state, judgement.zone, judgement.verdict, judgement.guard, _why(judgement))


def _why(judgement: BlockJudgement) -> str:
    """The reason in words that fit every block of a run."""
    return judgement.why.replace(f"memory{judgement.number}/", "memoryN/")


def _summary(reading: MachineReading, judgements: Sequence[BlockJudgement]) -> str:
    counts = Counter[str](judgement.verdict for judgement in judgements)
    parts = []
    for verdict in _COLOURS:
        count = counts[verdict]
        size = "" if reading.block_size is None else f" ({in_units(count * reading.block_size)})"
        parts.append(f"{verdict} {count}{size}")
    return f"{len(judgements)} blocks: {', '.join(parts)}"


def _document(reading: MachineReading, judgements: Sequence[BlockJudgement]) -> dict[str, Any]:
    counts = Counter[str](judgement.verdict for judgement in judgements)
    return {
        "schema": "memhp-inspect/1",
        "source": reading.source,
        "block_size": reading.block_size,
        "block_size_derived": reading.block_size_derived,
        "notes": list(reading.notes),
        "blocks": [_block(judgement) for judgement in judgements],
        "summary": {verdict: counts[verdict] for verdict in _COLOURS},
    }


def _block(judgement: BlockJudgement) -> dict[str, Any]:
    errno = judgement.errno
    return {
        "number": judgement.number,
        "node": judgement.node,
        "state": judgement.state,
        "zone": judgement.zone,
        "verdict": judgement.verdict,
        "guard": judgement.guard,
        "errno": None if errno is None else errorcode[errno],
        "why": judgement.why,
        "missing": list(judgement.missing),
        "if_no_holes": judgement.if_no_holes,
        "violated": list(judgement.violated),
    }
