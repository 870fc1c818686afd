"""`memhp plan`: which blocks go, in which order, where their contents go, how long, or why not."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .apply import add_doing, apply_document
from .arguments import block_ranges, bytes_in, file_name, number_of_bytes
from .files import fail, write_json
from .output.additions import addition_document, show_addition
from .output.plans import show_plan
from .output.streams import UsageError
from .output.terminal import console
from .pages import add_html, write_plan
from .planning import machine_of, plan_for

if TYPE_CHECKING:
    from memhp.machines.planning.plan import PlanVerdict

_EPILOG = """examples:
  memhp plan 8GiB                   free 8 GiB of this machine, wherever that is easiest
  memhp plan 8GiB --node 1          of node 1
  memhp plan --node 1               all of node 1
  memhp plan --blocks 32-39,44
  memhp plan --device PNP0C80:03    a DIMM; also dax1.0, virtio0, 0x80000010-0x8000001f (LMBs)
  memhp plan 8GiB my.tar.gz         of another one: whatever memhp inspect reads
  memhp plan --node 1 my.tar.gz
  memhp plan 8GiB --keep 64-95 --to 0,2
  memhp plan 8GiB --out plan.json   keep it; memhp apply plan.json --yes does it
  memhp plan --add 8GiB             the way in, and how to plug it so that it can go again
  memhp plan 8GiB --apply --yes     at once
  memhp plan 8GiB --script >it.sh   a POSIX shell script that does it, without memhp

columns: wave, its blocks can be prepared together; blocks, in their order; node and zone; size;
  sure, whether they can go; moves, what moves, to expect and at most; to, where to; s, seconds to
  expect; at most, seconds (+: and what a store takes to answer)

Linux moves the contents of a leaving block to other nodes, while any has memory: to the nearest
with room.  Room is what is free above the watermarks; what moves if nothing else helps, once page
cache and swap have been taken, makes a plan a "may".

Exit codes: 0 can, 1 cannot, 3 may; 2 for what is no machine or no goal.
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "plan",
        help="which memory goes to free a size, a node or a device: order, destinations, time",
        description="Plans how memory goes: which blocks, in which order, what must move and where"
        " to, how long it takes; or says which facts forbid it, who holds the memory, what helps,"
        " and what is the nearest that can be done.  Nothing is written to the machine, unless"
        " --apply --yes says so.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="SIZE MACHINE",
        help="free so much, such as 8GiB; of another machine than this, as inspect takes it",
    )
    parser.add_argument("--node", type=int, metavar="N", help="of this node, or all of it")
    parser.add_argument(
        "--blocks", type=block_ranges, metavar="LIST", help="these blocks, such as 32-39,44"
    )
    parser.add_argument("--device", metavar="NAME", help="all memory of a device")
    parser.add_argument(
        "--add",
        type=_size_or_device,
        metavar="SIZE|DEVICE",
        help="the way in: what adding so much takes, where it goes, whether it could go again",
    )
    parser.add_argument(
        "--keep", type=block_ranges, default=(), metavar="LIST", help="these blocks stay"
    )
    parser.add_argument(
        "--to", type=block_ranges, metavar="NODES", help="contents move to these nodes alone"
    )
    _add_reading(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--script", action="store_true", help="print a shell script that does it")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="keep the plan, as --json has it, for memhp apply"
    )
    add_html(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every block")
    parser.add_argument(
        "--apply", action="store_true", help="then do it, as memhp apply does; needs --yes to write"
    )
    add_doing(parser)
    parser.set_defaults(run=run)


def _size_and_machine(args: argparse.Namespace) -> tuple[int | None, str]:
    """What the words before the options say: a size, a machine, or both in this order.

    Raises:
        UsageError: they say anything else.
    """
    words = list(args.words)
    others = (args.node, args.blocks, args.device, args.add)
    size = None
    if words and ((size := bytes_in(words[0])) or all(each is None for each in others)):
        try:
            size = number_of_bytes(words.pop(0))
        except argparse.ArgumentTypeError as error:
            raise UsageError(str(error)) from None
    if len(words) > 1 or (words and args.machine is not None):
        raise UsageError(f"one machine is planned for: leave {words[-1]!r} out")
    named = "/" if args.machine is None else args.machine
    return size, words[0] if words else named


def _size_or_device(text: str) -> int | str:
    size = bytes_in(text)
    return text if size is None else size


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options on what is read, and what it is judged by."""
    parser.add_argument("--machine", metavar="PATH", help="the MACHINE, by name")
    parser.add_argument(
        "--profile", metavar="NAME", help="plan by this design, not by that of the machine's Linux"
    )
    parser.add_argument(
        "--arch", metavar="NAME", help="the architecture, if the files do not tell it rightly"
    )
    parser.add_argument(
        "--log", type=file_name, metavar="FILE", help="the kernel's log: where areas of CMA lie"
    )
    parser.add_argument(
        "--no-page-flags", action="store_true", help="leave page flags and structures unread"
    )
    parser.add_argument(
        "--reboot",
        default="estimate",
        metavar="SECONDS",
        help="how long a reboot takes: 90, 90..120, or estimate (default)",
    )
    parser.add_argument(
        "--costs", metavar="FILE", help="measured costs of the work, a TOML or JSON file"
    )


def run(args: argparse.Namespace) -> int:
    """Read, judge, plan and show; the exit code is what the plan says, or 2."""
    from memhp.machines.planning.goals import GoalError
    from memhp.machines.planning.script import script_of
    from memhp.machines.reading.errors import MachineError

    try:
        args.size, args.machine = _size_and_machine(args)
        if args.add is not None:
            return _add(args)
        if args.json and args.script:
            raise UsageError("--json and --script are two kinds of output: give one")
        if not args.apply and (args.yes or args.journal is not None):
            raise UsageError("--yes and --journal are about --apply: give that as well")
        reading, plan, document = plan_for(args)
        if args.out is not None:
            write_json(args.out, document)
        if args.html is not None:
            write_plan(args.html, document)
    except (MachineError, GoalError, UsageError) as error:
        return fail("plan", error)
    if args.script:
        if plan.nearest is not None or plan.verdict == "cannot":
            return fail("plan", UsageError("it cannot be done whole, so there is no script for it"))
        print(script_of(document), end="")
    elif args.json:
        print(json.dumps(document, indent=1))
    else:
        show_plan(console(), plan, reading, document, verbose=args.verbose)
    return apply_document(document, args) if args.apply else exit_code_of(plan.verdict)


def _add(args: argparse.Namespace) -> int:
    """Say what adding memory comes to; the exit code is what is said.

    Raises:
        UsageError: it is asked for beside something else.
    """
    from memhp.machines.planning.addition import addition

    goals = ("size", "blocks", "device", "node", "to", "out", "html")
    if any(getattr(args, name) is not None for name in goals) or args.script or args.apply:
        raise UsageError("--add is the way in: give it without a goal, --script and --apply")
    reading, design, _ = machine_of(args)
    made = addition(args.add, reading, design)
    if args.json:
        print(json.dumps(addition_document(made, reading.source), indent=1))
    else:
        show_addition(console(), made, reading.source)
    return exit_code_of(made.verdict)


def exit_code_of(verdict: PlanVerdict) -> int:
    """0 can, 1 cannot, 3 may."""
    from memhp.checks.support.verdicts import Verdict

    words = {"can": Verdict.holds, "cannot": Verdict.refuted, "may": Verdict.undetermined}
    return words[verdict].exit_code
