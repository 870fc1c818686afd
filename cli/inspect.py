"""`memhp inspect`: which memory of a real machine can go, and why the rest cannot."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from errno import errorcode
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import fail, write_file
from .inspect_time import forecast_document, read_costs, reboot_of, show_forecast
from .names import choose
from .output.streams import UsageError
from .output.terminal import coloured, console, in_units, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from memhp.machines.judging.forecast import Forecast
    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.reading.architecture import ArchitectureReading
    from memhp.machines.reading.sysfs import MachineReading

_EPILOG = """examples:
  memhp inspect                    this machine (as root it sees page flags and holes)
  memhp inspect sysfs.tar.bz2      a tar of another machine's /sys, never unpacked
  memhp inspect dump/ --arch arm64 boot memory never goes there
  memhp inspect vmcore             a crash dump (ELF): what held each section
  memhp inspect --node 1 --json
  memhp inspect --save my.tar.gz   a record of this machine, to judge it elsewhere
  memhp inspect --reboot           how long removing takes, against an estimated reboot
  memhp inspect --reboot 90..120 --costs measured.toml -v

Yes means that going offline may begin: a page that is in use by more than page tables and
known pins, or a memory notifier, can still stop it.  A record that `memhp lab record` made
tells how trying each block ended; that is shown beside the judgement.
"""
_WRONG = ", wrong"
_MANY = 10_000
"""Of so many blocks or rows the output is plain: a pretty one of a million takes minutes, and a
document of them that is whole in memory gigabytes."""

_COLOURS = {"yes": "green", "no": "red", "cannot tell": "yellow"}


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "inspect",
        help="a real machine: which blocks can go offline, and why not",
        description="Reads a machine's memory blocks and asks the specification which of them"
        " could go offline now, as Linux does it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "path", nargs="?", default="/", help="/, a directory or tar with a sys/ tree, or a vmcore"
    )
    parser.add_argument(
        "--arch", metavar="NAME", help="the architecture, if the files do not tell it rightly"
    )
    parser.add_argument("--node", type=int, metavar="N", help="this node only")
    parser.add_argument(
        "--no-page-flags", action="store_true", help="leave page flags and structures unread"
    )
    parser.add_argument(
        "--reboot",
        nargs="?",
        const="estimate",
        metavar="SECONDS",
        help="predict the time of a removal and compare it with a reboot: 90, 90..120, estimate",
    )
    parser.add_argument(
        "--costs", metavar="FILE", help="with --reboot: measured costs, a TOML or JSON file"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="with --reboot: the source of every figure"
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write a record of this machine: a tar of its files on memory and, as root, of how"
        " many pages of each block have which flags (no content of any page, not where the kernel"
        " lies); only its owner may read it",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, judge and show; the exit code is 2 for anything that is no machine."""
    from memhp.machines.judging.offline import design_of, invariants, judge
    from memhp.machines.reading.any_machine import read_any
    from memhp.machines.reading.errors import MachineError

    try:
        reading = read_any(args.path, page_flags=not args.no_page_flags)
        arch = _architecture(reading, args.arch)
        reading = replace(reading, page_size=reading.page_size or arch.page_size)
        design = design_of(reading)
        judgements = judge(reading, design, boot_memory_stays=arch.boot_memory_stays)
        if args.node is not None:
            judgements = _of_node(reading, judgements, args.node)
        removal = _forecast(reading, judgements, args)
        if args.save is not None:
            _save(reading, args.save)
    except (MachineError, UsageError) as error:
        return fail("inspect", error)
    if args.json:
        document = _document(reading, judgements, arch)
        if removal is not None:
            document["removal"] = forecast_document(removal)
        _print(document, judgements, reading.outcomes or {})
    else:
        out = console()
        _show(out, reading, judgements, arch, len(invariants(design)))
        if removal is not None:
            show_forecast(out, removal, verbose=args.verbose)
    return 0


def _save(reading: MachineReading, path: Path) -> None:
    """Write the record of this machine; a `UsageError` says why that is not possible."""
    from memhp.machines.reading.record import record_of_this_machine

    if not reading.live:
        raise UsageError("--save records this machine: leave the path out")
    write_file(path, record_of_this_machine(reading), private=True)


def _architecture(reading: MachineReading, name: str | None) -> ArchitectureReading:
    """The architecture that the user names, or that the files tell."""
    from memhp.machines.reading.architecture import architecture_of
    from memhp.machines.reading.cpuinfo import FAMILIES
    from memhp.spec.numbers.architectures import ARCHITECTURES

    if name is not None:
        choose("architecture", name, dict.fromkeys([*FAMILIES, *(a.name for a in ARCHITECTURES)]))
    return architecture_of(reading, name)


def _forecast(
    reading: MachineReading, judgements: Sequence[BlockJudgement], args: argparse.Namespace
) -> Forecast | None:
    """What removing takes, if it was asked for."""
    from memhp.machines.judging.forecast import forecast, memory_of

    if args.reboot is None:
        for option in ("costs", "verbose"):
            if getattr(args, option):
                raise UsageError(f"--{option} is about --reboot: give that as well")
        return None
    costs = read_costs(args.costs)
    reboot = reboot_of(args.reboot, memory_of(reading))
    return forecast(reading, judgements, costs=costs, reboot=reboot)


def _of_node(
    reading: MachineReading, judgements: Sequence[BlockJudgement], node: int
) -> tuple[BlockJudgement, ...]:
    """The judgements on blocks of the node, those that it shares with another included."""
    nodes = {block.number: block.nodes for block in reading.blocks}
    here = tuple(judged for judged in judgements if node in nodes[judged.number])
    if not here:
        numbers = sorted({each for its in nodes.values() for each in its})
        shown = ", ".join(map(str, numbers)) or "none"
        raise UsageError(f"no memory block is on node {node}; nodes with blocks: {shown}")
    return here


def _show(
    out: Console,
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    arch: ArchitectureReading,
    checked: int,
) -> None:
    size = "unknown" if reading.block_size is None else in_units(reading.block_size)
    derived = " (derived)" if reading.block_size_derived else ""
    out.print(f"{reading.source}: {len(judgements)} blocks of {size}{derived}")
    names = ", ".join(arch.names) or "none that is known"
    say(out, f"architecture: {names}; {arch.why}")
    say(out, f"judged by: {_design(reading)}")
    for note in reading.notes:
        say(out, f"note: {note}")
    for node, group in groupby(sorted(judgements, key=_place), key=lambda j: j.node):
        _show_node(out, node, list(group), reading.outcomes)
    out.print()
    out.print(_summary(reading, judgements))
    if reading.outcomes is not None:
        say(out, _as_predicted(judgements, reading.outcomes))
    broken = Counter(name for judgement in judgements for name in judgement.violated)
    out.print(f"invariants: {checked} checked, {len(broken)} violated")
    for name, count in broken.items():
        out.print(f"  {name}: by {count} blocks")


def _design(reading: MachineReading) -> str:
    """By which design the machine is judged, in words."""
    design = _design_json(reading)
    profile, version = design["profile"], design["linux"]
    if version is None:
        return f"{profile}, which leaves most open: no version is told"
    otherwise = f", but for {', '.join(design['otherwise'])}" if design["otherwise"] else ""
    return f"{profile}, for Linux {version}{otherwise}"


def _design_json(reading: MachineReading) -> dict[str, Any]:
    """The same as a part of the document: `design_of` in names."""
    from memhp.spec.profiles import otherwise, profile_of

    version = reading.kernel
    return {
        "profile": profile_of(version or (0, 0)),
        "linux": None if version is None else ".".join(map(str, version)),
        "otherwise": list(otherwise(version)) if version else [],
    }


def _place(judgement: BlockJudgement) -> tuple[int, int]:
    return (-1 if judgement.node is None else judgement.node, judgement.number)


def _show_node(
    out: Console,
    node: int | None,
    judgements: list[BlockJudgement],
    outcomes: Mapping[int, str] | None,
) -> None:
    tried = ["when tried"] if outcomes else []
    heads = ["blocks", "state", "zone", "can go", "", *tried, "why"]
    rows = [_row(run, outcomes) for run in _runs(judgements, outcomes or {})]
    out.print()
    out.print("node unknown, or several" if node is None else f"node {node}")
    if out.is_terminal and len(rows) < _MANY:
        out.print(_table(heads, rows))
    else:
        print("\n".join(_lines([heads, *rows])))


def _row(run: Sequence[BlockJudgement], outcomes: Mapping[int, str] | None) -> list[str]:
    """What is said of a run of blocks, a word or sentence for each column."""
    first, last = run[0], run[-1]
    return [
        str(first.number) if first is last else f"{first.number}-{last.number}",
        first.state or "?",
        first.zone or "?",
        first.verdict,
        " or ".join(errorcode[errno] for errno in first.errnos if first.verdict == "no"),
        *([_tried(first, outcomes)] if outcomes else []),
        _why(first) if first.guard is None else f"{_why(first)} ({first.guard})",
    ]


def _table(heads: list[str], rows: list[list[str]]) -> Table:
    """The rows as a terminal shows them, the verdicts in colours."""
    from rich.table import Table

    table = Table(*heads, box=None, pad_edge=False)
    table.columns[-1].overflow = "fold"
    for row in rows:
        cells: list[str | Text] = [*row]
        cells[3] = coloured(row[3], _COLOURS[row[3]])
        if row[-2].endswith(_WRONG):
            cells[-2] = coloured(row[-2], "red")
        table.add_row(*cells)
    return table


def _lines(rows: list[list[str]]) -> Iterator[str]:
    """The same as plain lines, one for each row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _runs(
    judgements: list[BlockJudgement], outcomes: Mapping[int, str]
) -> Iterator[list[BlockJudgement]]:
    """Consecutive blocks of which the same is said."""
    current: list[BlockJudgement] = []
    before: tuple[object, ...] | None = None
    for judgement in judgements:
        key = _key(judgement, outcomes)
        if current and not (judgement.number == current[-1].number + 1 and key == before):
            yield current
            current = []
        current.append(judgement)
        before = key
    if current:
        yield current


def _key(judgement: BlockJudgement, outcomes: Mapping[int, str]) -> tuple[object, ...]:
    """All that a row shows of a block but its number."""
    outcome = outcomes.get(judgement.number)
    words = (judgement.state, judgement.zone, judgement.verdict, judgement.guard, _why(judgement))
    return (*words, judgement.errnos, outcome)


def _tried(judgement: BlockJudgement, outcomes: Mapping[int, str]) -> str:
    """How it ended when the block was tried, and whether it was judged otherwise."""
    outcome = outcomes.get(judgement.number)
    if outcome is None:
        return "not tried"
    return outcome + _WRONG if judgement.agrees(outcome) is False else outcome


def _as_predicted(judgements: Sequence[BlockJudgement], outcomes: Mapping[int, str]) -> str:
    counts = _agreements(judgements, outcomes)
    judged = counts[True] + counts[False]
    return (
        f"blocks tried: {sum(counts.values())}; right {counts[True]} of {judged} judgements;"
        f" not judged: {counts[None]}"
    )


def _agreements(
    judgements: Sequence[BlockJudgement], outcomes: Mapping[int, str]
) -> Counter[bool | None]:
    return Counter(
        judged.agrees(outcomes[judged.number]) for judged in judgements if judged.number in outcomes
    )


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


def _document(
    reading: MachineReading, judgements: Sequence[BlockJudgement], arch: ArchitectureReading
) -> dict[str, Any]:
    """What the JSON document says beside the blocks."""
    counts = Counter[str](judgement.verdict for judgement in judgements)
    return {
        "schema": "memhp-inspect/1",
        "source": reading.source,
        "architecture": {"names": list(arch.names), "why": arch.why},
        "design": _design_json(reading),
        "block_size": reading.block_size,
        "block_size_derived": reading.block_size_derived,
        "notes": list(reading.notes),
        "summary": {verdict: counts[verdict] for verdict in _COLOURS},
    }


def _print(
    document: dict[str, Any], judgements: Sequence[BlockJudgement], outcomes: Mapping[int, str]
) -> None:
    """Print the document with the blocks; of many each is made when its line is printed."""
    blocks = (_block(judgement, outcomes) for judgement in judgements)
    if len(judgements) < _MANY:
        print(json.dumps({**document, "blocks": list(blocks)}, indent=1))
        return
    print(json.dumps(document)[:-1], end=', "blocks": [')
    before = "\n"
    for block in blocks:
        print(before, json.dumps(block), sep="", end="")
        before = ",\n"
    print("]}")


def _block(judgement: BlockJudgement, outcomes: Mapping[int, str]) -> dict[str, Any]:
    errno, outcome = judgement.errno, outcomes.get(judgement.number)
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
        "errnos": [errorcode[errno] for errno in judgement.errnos],
        "outcome": outcome,
        "as_judged": None if outcome is None else judgement.agrees(outcome),
    }
