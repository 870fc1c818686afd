"""`memhp replay`: a trace, step by step, on the reference."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_limit
from .designs import DesignFile, add_design, design_in, system_in
from .files import fail
from .names import system_named
from .output.again import tell_again
from .output.streams import UsageError
from .output.terminal import print_step, tell
from .pages import add_html, write_divergence, write_run
from .systems import SystemFile, add_system, system_from

if TYPE_CHECKING:
    from memhp.reference import Machine, Step, Trace
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
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay the file; the exit code is 1 if a property fails on the way."""
    from memhp.reference import Trace, TraceError

    if _is_journal(args.trace):
        from .apply import show_journal

        if args.json:
            return fail("replay", UsageError(f"{args.trace} is JSON, line by line: read it itself"))
        if args.html:
            return fail("replay", UsageError("a journal has no page: leave --html out"))
        return show_journal(args.trace)
    try:
        document = _read(args.trace)
        if isinstance(document, dict) and document.get("memhp") == "divergence":
            return _diverge(document, args)
        if isinstance(document, dict) and document.get("memhp") == "disagreement":
            from .kernel_target import replay

            if args.html:
                raise UsageError("what a kernel did has no page: leave --html out")
            return replay(document, args)
        system = _system(_system_name(document), design_in(args), system_from(args))
        trace = Trace.from_itf(document, system)
    except (UsageError, TraceError) as error:
        message = str(error)
        short = message if len(message) <= _MOST_SAID else message[:_MOST_SAID] + "…"
        return fail("replay", UsageError(f"{args.trace}: {short}"))
    states = list(_states(trace, system))
    if args.html:
        title = f"{args.trace.name}: {len(trace.steps)} steps"
        try:
            write_run(args.html, system, trace, title, [each.machine for each in states])
        except UsageError as error:
            return fail("replay", error)
    if args.json:
        print(json.dumps(_document(args, trace, system, states), indent=1))
    else:
        _show(args, trace, system, states)
    return 1 if trace.loop is not None or any(each.violated for each in states) else 0


@dataclass(frozen=True)
class _State:
    """A state of a run, the step that led there (None: boot), and what fails from there on."""

    machine: Machine
    step: Step | None
    violated: tuple[str, ...]


def _states(trace: Trace, system: System) -> Iterator[_State]:
    """The states of the run; each violation is told once."""
    told: set[str] = set()
    before: Machine | None = None
    for step, machine in zip((None, *trace.steps), trace.replay(system), strict=True):
        violations = [*(machine.step_violations(before) if before else ()), *machine.violations()]
        texts = dict.fromkeys(map(str, violations))
        yield _State(machine, step, tuple(text for text in texts if text not in told))
        told |= {*texts}
        before = machine


def _show(args: argparse.Namespace, trace: Trace, system: System, states: list[_State]) -> None:
    tell(f"{args.trace}: {len(trace.steps)} steps of {system.name}")
    for number, state in enumerate(states):
        if state.step is not None:
            print_step(system, number, state.step, states[number - 1].machine, state.machine)
        for text in state.violated:
            tell(f"    violated: {text}")
    if trace.loop is not None:
        from .output.traces import endless

        tell(endless(len(trace.steps), trace.loop))
    elif not any(state.violated for state in states):
        print("no property is violated")


def _document(
    args: argparse.Namespace, trace: Trace, system: System, states: list[_State]
) -> dict[str, Any]:
    """The document of schema ``memhp-replay/1`` (cli/schema/replay.json), of a trace."""
    from memhp.reference import diff

    steps = []
    for step, (before, after) in zip(trace.steps, pairwise(states), strict=True):
        steps.append(
            {
                "action": step.action,
                "params": _params(step, system),
                "changes": [
                    {
                        "variable": each.variable,
                        "of": list(each.args),
                        "before": each.before,
                        "after": each.after,
                    }
                    for each in diff(before.machine, after.machine)
                ],
                "violated": list(after.violated),
            }
        )
    refuted = trace.loop is not None or any(each.violated for each in states)
    return {
        "schema": "memhp-replay/1",
        "file": str(args.trace),
        "of": "trace",
        "system": system.name,
        "verdict": "refuted" if refuted else "holds",
        "violated_at_boot": list(states[0].violated),
        "steps": steps,
        "loop": trace.loop,
    }


def _params(step: Step, system: System) -> dict[str, str]:
    from memhp.reference.topology import element_name

    sorts = {var.name: var.sort for var in system.action_by_name[step.action].params}
    return {
        name: value if isinstance(value, str) else element_name(sorts[name], int(value))
        for name, value in step.params.items()
    }


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
    report = str(divergence or "the target does what the reference does").splitlines()
    if args.html:
        write_divergence(args.html, system, record, report)
    if divergence and args.verbose:
        report += divergence.trace.splitlines()
    operations = [[name, *params] for name, params in record.operations]
    tell_again(args, "divergence", operations, report, agrees=not divergence)
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
