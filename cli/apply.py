"""`memhp apply`: a plan done on this machine, gone on with, or taken back."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units

from .files import fail, free_path
from .output.streams import UsageError, show_progress
from .output.terminal import console, say
from .planning import defaults, plan_for

if TYPE_CHECKING:
    from memhp.machines.applying.apply import Applier, Result
    from memhp.machines.applying.journal import History, Journal
    from memhp.machines.applying.planned import Planned

__all__ = ["ROOT", "apply_document", "run", "show_journal"]

ROOT = "/"
"""Where the machine's files lie."""

_EPILOG = """examples:
  memhp plan 8GiB --out plan.json      first, a plan
  memhp apply plan.json                what would be written; nothing is
  sudo memhp apply plan.json --yes     do it; plan.journal tells what was done
  sudo memhp apply --resume plan.journal --yes   go on after a stop, a kill or a power cut
  sudo memhp apply --undo plan.journal --yes     back online, each block in its zone
  memhp replay plan.journal            what was done, step by step

Each write is a process of its own with a time limit, and a signal ends it; one that hears no signal
is left alone and told.  Ctrl-C stops between two steps.

Exit codes: 0 done (with --undo: undone); 1 stopped or undone before it was done; 2 nothing was
begun, and why; 3 a write is stuck; 130 interrupted.
"""
_CODES = {"done": 0, "stopped": 1, "stuck": 3, "interrupted": 130}
_ON_FAILURE = ("stop", "skip", "replan", "undo")


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "apply",
        help="do a plan on this machine, or take it back",
        description="Does what memhp plan --out FILE kept, on the machine that it was made for:"
        " block by block, with a journal, so that it can be gone on with or taken back whenever it"
        " ends.  Nothing is written without --yes.",
        epilog=_EPILOG,
    )
    parser.add_argument("plan", nargs="?", type=Path, metavar="PLAN", help="a file of memhp plan")
    parser.add_argument("--resume", type=Path, metavar="JOURNAL", help="go on with what was begun")
    parser.add_argument("--undo", type=Path, metavar="JOURNAL", help="take back what was done")
    add_doing(parser)
    parser.set_defaults(run=run)


def add_doing(parser: argparse.ArgumentParser) -> None:
    """Add the options on how a plan is done."""
    parser.add_argument("--yes", action="store_true", help="write")
    parser.add_argument(
        "--on-failure",
        choices=_ON_FAILURE,
        default="stop",
        help="if a block does not go: stop (default), skip it, replan without it, or undo all",
    )
    parser.add_argument(
        "--journal", type=Path, metavar="FILE", help="where it is taken down (PLAN.journal)"
    )


def run(args: argparse.Namespace) -> int:
    """Do it; the exit code says how it ended."""
    from memhp.machines.applying.journal import Journal
    from memhp.machines.applying.planned import PlanError, planned

    given = [name for name in ("plan", "resume", "undo") if getattr(args, name) is not None]
    try:
        if len(given) != 1:
            raise UsageError("give one of PLAN, --resume JOURNAL and --undo JOURNAL")
        if args.plan is None:
            return _take_up(args, args.resume or args.undo)
        plan = planned(_document(args.plan))
        if not args.yes:
            return _preview(plan)
        _refuse_others_than_root()
        _refuse(plan)
        _refuse_changed(plan)
        path = args.journal or args.plan.with_suffix(".journal")
        return _do(Journal(path, plan), args, path)
    except (PlanError, UsageError) as error:
        return fail("apply", error)


def apply_document(document: Mapping[str, Any], args: argparse.Namespace) -> int:
    """Do a plan that was just made; the exit code says how it ended.

    Args:
        document: of the plan.
        args: of `add_doing`.
    """
    from memhp.machines.applying.journal import Journal
    from memhp.machines.applying.planned import PlanError, planned

    try:
        plan = planned(document)
        if not args.yes:
            return _preview(plan)
        _refuse_others_than_root()
        _refuse(plan)
        _refuse_changed(plan)
        path = args.journal or free_path(Path("memhp.journal"))
        return _do(Journal(path, plan), args, path)
    except (PlanError, UsageError) as error:
        return fail("plan", error)


def _document(path: Path) -> object:
    from memhp.checks.support.files import json_of, read_whole
    from memhp.machines.applying.planned import MOST_BYTES

    try:
        return json_of(read_whole(path, MOST_BYTES))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{path}: not a plan ({str(error)[:200]})") from None


def _refuse(plan: Planned) -> None:
    """What is no plan to be done."""
    if not plan.whole:
        raise UsageError(
            f"the plan says {plan.verdict}: its steps do less than was asked for; plan that instead"
        )
    if not plan.steps:
        raise UsageError("the plan has no steps: there is nothing to do")


def _refuse_changed(plan: Planned) -> None:
    """What is not for this machine as it is: then there is no journal either."""
    from memhp.machines.applying.checks import changes
    from memhp.machines.applying.states import Machine

    if found := changes(plan, plan.steps, Machine(ROOT)):
        raise UsageError(f"the machine is not as it was planned for: {'; '.join(found)}")


def _refuse_others_than_root() -> None:
    if os.geteuid() != 0:
        raise UsageError("only root writes to the state of memory: sudo memhp apply …")


def _preview(plan: Planned) -> int:
    """Say what would be written, and whether the machine is still as it was planned for."""
    from memhp.machines.applying.checks import changes
    from memhp.machines.applying.states import Machine

    out = console()
    _refuse(plan)
    say(out, f"{plan.words}, of {plan.source} ({plan.verdict}): nothing is written without --yes")
    for step in plan.steps:
        say(
            out,
            f"  offline > /sys/devices/system/memory/memory{step.block}/state"
            f"  (within {step.limit:g} s; back: {step.back})",
        )
    found = changes(plan, plan.steps, Machine(ROOT))
    for line in found:
        say(out, f"it would be refused: {line}")
    return 1 if found else 0


def _take_up(args: argparse.Namespace, path: Path) -> int:
    """Go on with what a journal tells, or take it back."""
    from memhp.machines.applying.journal import Journal, history_of

    if args.journal is not None:
        raise UsageError(
            "--journal is about a new plan: a journal that is taken up is gone on with"
        )
    if not args.yes:
        history = history_of(path)
        out = console()
        offline = ", ".join(map(str, history.offline)) or "none"
        doubt = history.doubt
        say(out, f"{path}: {history.plan.words}; offline by it: {offline}")
        if doubt is not None:
            say(out, f"of block {doubt.block} it is in doubt: {doubt.word} was begun")
        say(out, "nothing is written without --yes")
        return 0
    _refuse_others_than_root()
    return _do(Journal(path), args, path)


def _do(journal: Journal, args: argparse.Namespace, path: Path) -> int:
    from memhp.machines.applying.apply import Applier
    from memhp.machines.applying.states import Machine

    undo = getattr(args, "undo", None) is not None
    out = console()
    say(out, f"journal: {path}")

    def tell(line: str) -> None:
        show_progress()
        say(out, line)

    applier = Applier(
        journal,
        Machine(ROOT),
        tell,
        on_failure=args.on_failure,
        replan=_another_plan,
        progress=show_progress,
    )
    try:
        with _stopping(applier):
            result = applier.undo() if undo else applier.go_on()
    except OSError as error:
        raise UsageError(f"{path}: cannot be written, so nothing more is done: {error}") from None
    finally:
        show_progress()
        journal.close()
    say(out, _words(result, journal.history.plan, path))
    return 0 if undo and result.ending == "undone" else _CODES.get(result.ending, 1)


@contextmanager
def _stopping(applier: Applier) -> Iterator[None]:
    """Within, a Ctrl-C or a SIGTERM stops it between two steps."""

    def stop(*_: object) -> None:
        applier.stopping = True
        show_progress("stopping after this block")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _words(result: Result, plan: Planned, path: Path) -> str:
    """How it ended, and what can be done then."""
    size = in_units(len(result.offline) * plan.block_size)
    told = f"{result.ending}: {len(result.offline)} blocks ({size}) are offline"
    if result.why:
        told += f"; {result.why}"
    if result.ending in ("stopped", "interrupted", "stuck"):
        told += f" (memhp apply --resume {path} goes on, --undo {path} goes back)"
    return told


def _another_plan(history: History) -> Planned | None:
    """A plan for what is left of a size, without the blocks that failed; None if there is none.

    All else names its blocks: without one of them it is not done.
    """
    from memhp.machines.applying.planned import planned
    from memhp.machines.planning.goals import GoalError
    from memhp.machines.reading.errors import MachineError

    goal = history.plan.document.get("goal")
    size = goal.get("size") if isinstance(goal, Mapping) else None
    if not isinstance(size, int) or not isinstance(goal, Mapping):
        return None
    args = defaults(ROOT)
    args.size = size - len(history.offline) * history.plan.block_size
    args.node, args.to = goal.get("node"), _ranges([[n, n] for n in goal.get("to") or ()]) or None
    failed = [[block, block] for block in sorted(history.failed)]
    args.keep = _ranges([*goal.get("keep", ()), *failed])
    try:
        _, made, document = plan_for(args)
    except (GoalError, MachineError, UsageError):
        return None
    return planned(document) if made.verdict != "cannot" and made.nearest is None else None


def _ranges(pairs: Any) -> tuple[range, ...]:
    return tuple(range(int(first), int(last) + 1) for first, last in pairs)


def show_journal(path: Path) -> int:
    """Print what a journal tells, for `memhp replay`; returns the exit code."""
    from memhp.machines.applying.journal import history_of
    from memhp.machines.applying.planned import PlanError

    try:
        history = history_of(path)
    except PlanError as error:
        return fail("replay", error)
    out = console()
    plan = history.plan
    say(out, f"{path}: {plan.words} of {plan.source}, {len(history.steps)} steps planned")
    for entry in history.entries:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(min(max(entry.at, 0), 1 << 35)))
        if entry.block is None:
            say(out, f"{at}  {entry.text}")
        elif entry.result is not None:
            told = f": {entry.text}" if entry.text else ""
            say(out, f"{at}  block {entry.block} {entry.word}: {entry.result}{told}")
    if history.doubt is not None:
        say(out, f"in doubt: block {history.doubt.block}, {history.doubt.word} was begun")
    offline = ", ".join(map(str, history.offline)) or "none"
    say(out, f"offline by it: {offline}")
    return 0
