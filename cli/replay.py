"""`memhp replay`: a trace, step by step, on the reference."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import UsageError, fail, print_step, system_named

if TYPE_CHECKING:
    from memhp.reference import Violation


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "replay",
        help="run a trace on the reference, showing what changed; or a divergence again",
        description="Runs a trace (ITF JSON) on the reference machine: each step, what it"
        " changed, and the properties that fail at the end.  A divergence that `memhp fuzz`"
        " wrote is done again, on the reference and on a target.",
    )
    parser.add_argument("trace", type=Path, help="a file that memhp wrote")
    parser.add_argument(
        "--target",
        default="engine",
        metavar="NAME",
        help="for a divergence: engine (default), module:Class, or kernel:NAME",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay the file; exit 1 if a property fails on the way."""
    from memhp.reference import Trace, TraceError

    try:
        document = _read(args.trace)
        if isinstance(document, dict) and document.get("memhp") == "divergence":
            return _diverge(document, args)
        if isinstance(document, dict) and document.get("memhp") == "disagreement":
            from .kernel_target import replay

            return replay(document, args)
        system = system_named(_system_name(document))
        trace = Trace.from_itf(document, system)
    except (UsageError, TraceError) as error:
        return fail("replay", UsageError(f"{args.trace}: {error}"))
    machines = list(trace.replay(system))
    print(f"{args.trace}: {len(trace.steps)} steps of {system.name}")
    violated = _new_violations(set(), machines[0].violations())
    for number, (step, before, after) in enumerate(
        zip(trace.steps, machines, machines[1:], strict=False), 1
    ):
        print_step(system, number, step, before, after)
        found = (*after.step_violations(before), *after.violations())
        violated |= _new_violations(violated, found)
    if trace.loop is not None:
        from .show import endless

        print(endless(len(trace.steps), trace.loop))
        return 1
    if not violated:
        print("no property is violated")
    return 1 if violated else 0


def _diverge(document: Any, args: argparse.Namespace) -> int:
    """Do a divergence again; exit 1 if the target still differs.  Raises `UsageError`."""
    from memhp.checks.fuzz.record import Record, RecordError
    from memhp.checks.fuzz.targets import TargetError, target_named

    sys.path.insert(0, os.getcwd())
    try:
        record = Record.from_json(document)
        found = record.replay(system_named(record.system), target_named(args.target))
    except (RecordError, TargetError) as error:
        raise UsageError(str(error)) from None
    print(f"{args.trace}: {len(record.operations)} operations on {args.target}")
    print(found or "the target does what the reference does")
    return 1 if found else 0


def _new_violations(known: set[str], found: Iterable[Violation]) -> set[str]:
    """Print the violations that are not known yet, and return them."""
    new = [text for violation in found if (text := str(violation)) not in known]
    for text in new:
        print(f"    violated: {text}")
    return set(new)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise UsageError(error.strerror or str(error)) from None
    except (UnicodeDecodeError, RecursionError):
        raise UsageError("not a JSON text") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"not JSON: {error.msg}, line {error.lineno}") from None


def _system_name(document: Any) -> str:
    try:
        name = document["#meta"]["memhp"]["system"]
    except (KeyError, TypeError):
        name = None
    if not isinstance(name, str):
        raise UsageError("not a trace of memhp: it has no #meta.memhp.system")
    return name
