"""`memhp inspect`: which memory of a real machine can go, and why the rest cannot."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import block_ranges, file_name
from .files import fail, write_file
from .inspect_document import block_document, machine_document
from .inspect_tables import MANY, show
from .inspect_time import forecast_document, read_costs, reboot_of, show_forecast
from .names import choose
from .output.streams import UsageError
from .output.terminal import console, say
from .pages import add_html, write_machine
from .why_blocks import block_documents, show_block

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.judging.forecast import Forecast
    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.reading.architecture import ArchitectureReading
    from memhp.machines.reading.sysfs import MachineReading

_EPILOG = """examples:
  memhp inspect                    this machine (as root it sees page flags and holes)
  memhp inspect sysfs.tar.bz2      a tar of another machine's /sys, never unpacked
  memhp inspect dump/ --arch arm64 boot memory never goes there
  memhp inspect vmcore             a crash dump (ELF, or of makedumpfile): what held each section
  memhp inspect lsmem.txt          what lsmem printed (a table, --pairs, --json)
  memhp inspect sosreport-x.tar.xz or a supportconfig, as it is
  memhp inspect --node 1 --json
  memhp inspect --block 32-39 -v   what holds each of these, and what helps
  memhp inspect --block 32-39 --need yes && echo offline > …
  memhp inspect --save my.tar.gz   a record of this machine, to judge it elsewhere
  memhp inspect --reboot           how long removing takes, against an estimated reboot
  memhp inspect --reboot 90..120 --costs measured.toml -v

columns: blocks, addresses, size; state and zone, as sysfs has them; device, whose memory it is; can
  go, whether going offline may begin, with the errno if not; when tried, in a record, how trying
  the block ended; why, the guard that refuses, or what is not told
columns with --reboot: blocks; to move, bytes; seconds each, for a block; seconds in all

Yes means that going offline may begin: a page that is in use by more than page tables and
known pins, or a memory notifier, can still stop it.  A record that `memhp lab record` made
tells how trying each block ended; that is shown beside the judgement.

Exit codes: 0; with --need 1 if a block cannot, 3 if of a block it cannot be told; 2 for what is no
machine.
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "inspect",
        help="a real machine: which blocks can go offline, and why not",
        description="Reads a machine's memory blocks and asks the specification which of them"
        " could go offline now, as Linux does it.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "path",
        nargs="?",
        default="/",
        help="/, a directory with a sys/ tree, a tar of one, a support archive, what lsmem printed,"
        " or a crash dump",
    )
    _add_reading(parser)
    _add_asking(parser)
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
        "-v",
        "--verbose",
        action="store_true",
        help="say of each block what `memhp why` says; with --reboot the source of each figure",
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
    add_html(parser)
    parser.set_defaults(run=run)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options on what is read."""
    parser.add_argument(
        "--arch", metavar="NAME", help="the architecture, if the files do not tell it rightly"
    )
    parser.add_argument(
        "--log",
        type=file_name,
        metavar="FILE",
        help="the kernel's log, as dmesg prints it: where areas of CMA lie",
    )
    parser.add_argument(
        "--no-page-flags", action="store_true", help="leave page flags and structures unread"
    )


def _add_asking(parser: argparse.ArgumentParser) -> None:
    """Add the options on which blocks are asked about, and what is needed of them."""
    parser.add_argument("--node", type=int, metavar="N", help="this node only")
    parser.add_argument(
        "--block", type=block_ranges, metavar="LIST", help="these blocks only, such as 32-39,64"
    )
    parser.add_argument(
        "--need",
        choices=("yes", "likely"),
        help="exit with 0 only if every block that is shown can go or is offline; likely: or is"
        " likely to",
    )


def run(args: argparse.Namespace) -> int:
    """Read, judge and show; the exit code is what `--need` asks for, or 2 for no machine."""
    from memhp.machines.judging.offline import design_of, invariants, judge
    from memhp.machines.reading.any_machine import read_any
    from memhp.machines.reading.errors import MachineError, text_in

    try:
        log = None if args.log is None else text_in(args.log)
        reading = read_any(args.path, page_flags=not args.no_page_flags, log=log)
        arch = architecture_named(reading, args.arch)
        reading = replace(reading, page_size=reading.page_size or arch.page_size)
        design = design_of(reading)
        judgements = judge(reading, design, boot_memory_stays=arch.boot_memory_stays)
        if args.node is not None:
            judgements = _of_node(reading, judgements, args.node)
        if args.block is not None:
            judgements = _of_blocks(judgements, args.block)
        removal = _forecast(reading, judgements, args)
        if args.save is not None:
            _save(reading, args.save)
    except (MachineError, UsageError) as error:
        return fail("inspect", error)
    if args.html is not None:
        try:
            _write_page(args.html, reading, judgements, arch)
        except UsageError as error:
            return fail("inspect", error)
    if args.json:
        document = machine_document(reading, judgements, arch)
        if removal is not None:
            document["removal"] = forecast_document(removal)
        _print(document, reading, judgements)
    else:
        out = console()
        show(out, reading, judgements, arch, len(invariants(design)))
        if removal is not None:
            show_forecast(out, removal, verbose=args.verbose)
        elif args.verbose:
            _show_each(out, reading, judgements)
    return _exit_code(judgements, args.need)


def _write_page(
    path: Path,
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    arch: ArchitectureReading,
) -> None:
    """Write the page of the machine; a `UsageError` says why that is not possible."""
    blocks = [block_document(reading, judgement) for judgement in judgements]
    write_machine(path, machine_document(reading, judgements, arch), blocks)


def _show_each(out: Console, reading: MachineReading, judgements: Sequence[BlockJudgement]) -> None:
    """Print of each block what `memhp why` prints."""
    blocks, notes = block_documents(reading, judgements)
    out.print()
    for note in notes[len(reading.notes) :]:
        say(out, f"note: {note}")
    for block in blocks:
        show_block(out, block, reading.page_size or 0)


def _save(reading: MachineReading, path: Path) -> None:
    """Write the record of this machine; a `UsageError` says why that is not possible."""
    from memhp.machines.reading.record import record_of_this_machine

    if not reading.live:
        raise UsageError("--save records this machine: leave the path out")
    write_file(path, record_of_this_machine(reading), private=True)


def architecture_named(reading: MachineReading, name: str | None) -> ArchitectureReading:
    """The architecture that the user names, or that the files tell."""
    from memhp.machines.reading.architecture import architecture_of
    from memhp.machines.reading.cpuinfo import FAMILIES
    from memhp.spec.numbers.architectures import ARCHITECTURES

    if name is not None:
        names = [*FAMILIES, *(each.name for each in ARCHITECTURES)]
        name = choose("architecture", name, dict.fromkeys(names))
    return architecture_of(reading, name)


def _forecast(
    reading: MachineReading, judgements: Sequence[BlockJudgement], args: argparse.Namespace
) -> Forecast | None:
    """What removing takes, if it was asked for."""
    from memhp.machines.judging.forecast import forecast, memory_of
    from memhp.machines.judging.measured_costs import costs_here

    if args.reboot is None:
        if args.costs:
            raise UsageError("--costs is about --reboot: give that as well")
        return None
    costs = read_costs(args.costs, costs_here(reading))
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


def _of_blocks(
    judgements: Sequence[BlockJudgement], ranges: Sequence[range]
) -> tuple[BlockJudgement, ...]:
    """The judgements on the blocks of these numbers; each range must name one."""
    chosen: dict[int, BlockJudgement] = {}
    for each in ranges:
        here = [judged for judged in judgements if judged.number in each]
        if not here:
            wanted = str(each.start) if len(each) == 1 else f"{each.start}-{each.stop - 1}"
            raise UsageError(f"--block: the machine has no block {wanted} here")
        chosen |= {judged.number: judged for judged in here}
    return tuple(chosen[number] for number in sorted(chosen))


def _print(
    document: dict[str, Any], reading: MachineReading, judgements: Sequence[BlockJudgement]
) -> None:
    """Print the document with the blocks; of many each is made when its line is printed."""
    blocks = (block_document(reading, judgement) for judgement in judgements)
    if len(judgements) < MANY:
        print(json.dumps({**document, "blocks": list(blocks)}, indent=1))
        return
    print(json.dumps(document)[:-1], end=', "blocks": [')
    before = "\n"
    for block in blocks:
        print(before, json.dumps(block), sep="", end="")
        before = ",\n"
    print("]}")


def _exit_code(judgements: Sequence[BlockJudgement], need: str | None) -> int:
    """0 if every block is as needed, 1 if one is not, 3 if that cannot be told of one."""
    from memhp.checks.support.verdicts import Verdict, combine

    if need is None:
        return 0
    good = {"yes", "offline"} | ({"likely yes"} if need == "likely" else set())
    words = [judged.likelihood or judged.verdict for judged in judgements]
    if need == "yes":
        words = [judged.verdict for judged in judgements]
    return combine(
        Verdict.holds if word in good else Verdict.refuted if word == "no" else Verdict.undetermined
        for word in words
    ).exit_code
