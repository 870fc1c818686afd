"""`memhp replay`: a trace, step by step, on the reference."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_limit
from .designs import DesignFile, add_design, design_in, system_in
from .files import fail
from .names import system_named
from .output.streams import UsageError
from .output.terminal import console, print_step, say
from .pages import add_html, write_run
from .systems import SystemFile, add_system, system_from

if TYPE_CHECKING:
    from memhp.reference import Violation
    from memhp.spec.language import System

_MOST = 32 << 20
"""A trace or a divergence is no larger, in bytes."""
_MOST_SAID = 500
"""So much is said of what is wrong with a file."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "replay",
        help="run a trace on the reference, showing what changed; or a divergence, or a journal",
        description="Runs a trace (ITF JSON) on the reference machine: each step, what it"
        " changed, and the properties that fail at the end.  A divergence that `memhp fuzz`"
        " wrote is done again, on the reference and on a target.  The journal of `memhp apply` is"
        " shown, step by step.",
    )
    parser.add_argument("trace", type=Path, help="a file that memhp wrote")
    add_design(parser)
    add_system(parser)
    parser.add_argument(
        "--target",
        default="engine",
        metavar="NAME",
        help="for a divergence: engine (default), module:Class, or kernel:NAME",
    )
    add_limit(parser)
    add_html(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="the traceback, if the target fails"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay the file; the exit code is 1 if a property fails on the way."""
    from memhp.reference import Trace, TraceError

    if _is_journal(args.trace):
        from .apply import show_journal

        return show_journal(args.trace)
    try:
        document = _read(args.trace)
        if isinstance(document, dict) and document.get("memhp") == "divergence":
            return _diverge(document, args)
        if isinstance(document, dict) and document.get("memhp") == "disagreement":
            from .kernel_target import replay

            return replay(document, args)
        system = _system(_system_name(document), design_in(args), system_from(args))
        trace = Trace.from_itf(document, system)
    except (UsageError, TraceError) as error:
        message = str(error)
        short = message if len(message) <= _MOST_SAID else message[:_MOST_SAID] + "…"
        return fail("replay", UsageError(f"{args.trace}: {short}"))
    if args.html:
        try:
            write_run(args.html, system, trace, f"{args.trace.name}: {len(trace.steps)} steps")
        except UsageError as error:
            return fail("replay", error)
    machines = list(trace.replay(system))
    print(f"{args.trace}: {len(trace.steps)} steps of {system.name}")
    violated = _new_violations(set(), machines[0].violations())
    for number, (step, before, after) in enumerate(
        zip(trace.steps, machines, machines[1:], strict=False), 1
    ):
        print_step(system, number, step, before, after)
        violations = (*after.step_violations(before), *after.violations())
        violated |= _new_violations(violated, violations)
    if trace.loop is not None:
        from .output.traces import endless

        print(endless(len(trace.steps), trace.loop))
        return 1
    if not violated:
        print("no property is violated")
    return 1 if violated else 0


def _is_journal(path: Path) -> bool:
    """Whether a file begins as a journal of `memhp apply` does."""
    try:  # a pipe gives what it has once
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_JOURNAL)) == _JOURNAL
    except OSError:
        return False


_JOURNAL = b'{"journal": '


def _diverge(document: Any, args: argparse.Namespace) -> int:
    """Do a divergence again; the exit code is 1 if the target still differs.

    Raises:
        UsageError: it is malformed, or cannot be done on the target.
    """
    from memhp.checks.fuzz.record import Record, RecordError
    from memhp.checks.fuzz.targets import TargetError, target_named

    try:
        record = Record.from_json(document)
        system = _system(record.system, design_in(args), system_from(args))
        divergence = record.replay(system, target_named(args.target, system, limit=args.limit))
    except (RecordError, TargetError) as error:
        raise UsageError(str(error)) from None
    out = console()
    say(out, f"{args.trace}: {len(record.operations)} operations on {args.target}")
    for line in str(divergence or "the target does what the reference does").splitlines():
        say(out, line)
    if divergence and args.verbose:
        for line in divergence.trace.splitlines():
            say(out, line)
    return 1 if divergence else 0


def _system(name: str, design: DesignFile | None, own: SystemFile | None) -> System:
    """The system of that name, whoever wrote it; that of the file, if there is one.

    Raises:
        UsageError: there is none, or it is not that of the file.
    """
    from memhp.spec.language import SpecificationError

    if design or own or "@" in name:
        return system_in(design, own, name[:_MOST_SAID])
    try:
        return system_named(name[:_MOST_SAID])
    except SpecificationError as error:
        raise UsageError(f"there is no system {name[:_MOST_SAID]!r}: {error}") from None


def _new_violations(earlier: set[str], violations: Iterable[Violation]) -> set[str]:
    """Print the violations that are not among the earlier ones, and return them."""
    new = [text for violation in violations if (text := str(violation)) not in earlier]
    for text in new:
        print(f"    violated: {text}")
    return set(new)


def _read(path: Path) -> Any:
    from memhp.checks.support.files import json_of, read_whole

    try:
        content = read_whole(path, _MOST)
    except OSError as error:
        raise UsageError(error.strerror or str(error)) from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        return json_of(content)
    except ValueError as error:
        raise UsageError(f"not JSON: {error}") from None


def _system_name(document: Any) -> str:
    try:
        name = document["#meta"]["memhp"]["system"]
    except (KeyError, TypeError):
        name = None
    if not isinstance(name, str):
        raise UsageError("not a trace of memhp: it has no #meta.memhp.system")
    return name
