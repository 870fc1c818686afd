"""`memhp lab conform`: real kernels held against the reference, and what they showed."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import astuple
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import UsageError, at_least_one, choose, console, fail, write_json

if TYPE_CHECKING:
    from memhp.machines.lab import Kernel
    from memhp.machines.lab.conform import Report
    from memhp.machines.lab.conform.results import Results, Seen
    from memhp.machines.lab.conform.scenarios import Check, Scenario
    from memhp.machines.lab.conform.target import Operation

_EPILOG = """examples:
  memhp lab conform                              every kernel that is here, 300 steps each
  memhp lab conform --kernels x86_64-6.12 --steps 2000 --seed 7
  memhp lab conform --kernels all --save kernels.json
  memhp lab conform --show kernels.json          the table of a file; without FILE: of memhp's own

A step is *determined* when the specification allows one outcome, and *allowed* when it allows
several, because nothing shows where the kernel's own memory lies.  What a block was seen to
hold has *changed* when only what it holds afterwards explains the step.  *Deviating* steps are
explained by what docs/findings.md says of Linux.

exit codes: 0 every step and scenario is explained, 1 something disagrees, 2 bad usage,
3 a kernel cannot be held: its guests do not boot, or are of a kind that is not known
"""
_STEPS = 300
_SHRUNK = 3
_SHRINKING_SECONDS = 60.0


def add_parser(parts: Any, guarded: Callable[[Any], Any]) -> None:
    """Add the sub-command to those of `memhp lab`."""
    parser = parts.add_parser(
        "conform",
        help="hold real kernels against the reference",
        description="Boots kernels, does random operations and named scenarios on each, and"
        " compares every answer and everything that sysfs shows with the reference.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--kernels", default="all", metavar="NAME,…", help="of `memhp lab list` (default: all here)"
    )
    parser.add_argument(
        "--steps", type=at_least_one, default=_STEPS, metavar="N", help=f"default: {_STEPS}"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--no-scenarios", action="store_true", help="random operations alone")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write what was seen, as JSON with its date"
    )
    parser.add_argument(
        "--show",
        nargs="?",
        const=True,
        metavar="FILE",
        help="boot nothing: show what was seen and saved",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument("--markdown", action="store_true", help="the table for a document")
    parser.set_defaults(run=guarded(run))


def run(args: argparse.Namespace) -> int:
    """Hold the kernels against the reference; exit 1 if one disagrees."""
    from memhp.machines.lab.conform.results import Results

    failed = False
    if args.show:
        results = recorded() if args.show is True else _read(Path(args.show))
    else:
        kernels = _kernels(args.kernels)
        seen, failed = _all(kernels, args)
        results = Results(f"{datetime.now(UTC):%Y-%m-%d}", _qemu(kernels[0]), seen)
    if args.save:
        write_json(args.save, results.to_json())
    if args.json:
        print(json.dumps(results.to_json(), indent=1))
    elif args.markdown:
        print(markdown(results), end="")
    else:
        _show(results)
    if not all(each.agrees for each in results.kernels):
        return 1
    return 3 if failed else 0


def _all(kernels: Iterable[Kernel], args: argparse.Namespace) -> tuple[tuple[Seen, ...], bool]:
    """What each kernel has shown, and whether one of them could not be held at all."""
    from memhp.machines.lab import LabError

    seen, failed = [], False
    for kernel in kernels:
        try:
            seen.append(_hold(kernel, args))
        except LabError as error:
            _say("")
            print(f"memhp lab: {error}", file=sys.stderr)
            failed = True
    return tuple(seen), failed


def recorded() -> Results:
    """What memhp's own record says that kernels have shown."""
    from memhp.machines.lab.conform.results import Results

    text = (files("memhp.machines.lab.conform") / "kernels.json").read_text()
    return Results.from_json(json.loads(text))


def _read(path: Path) -> Results:
    from memhp.machines.lab.conform.results import Results, ResultsError

    try:
        return Results.from_json(json.loads(path.read_text()))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError, ResultsError) as error:
        raise UsageError(f"{path}: {error}") from None


def kernel_named(name: str) -> Kernel:
    """A stock kernel that is here and that can be held.  Raises `UsageError`."""
    from memhp.machines.lab import STOCK, load
    from memhp.machines.lab.conform import BOARDS

    kernel = load(choose("kernel", name, STOCK))
    if kernel is None:
        raise UsageError(f"{name} is not here; bring it: memhp lab fetch {name}")
    if kernel.arch not in BOARDS:
        raise UsageError(f"{name}: guests of {', '.join(BOARDS)} can be held, not {kernel.arch}")
    return kernel


def _kernels(names: str) -> list[Kernel]:
    from memhp.machines.lab import STOCK, load
    from memhp.machines.lab.conform import BOARDS

    if names != "all":
        return [kernel_named(name) for name in names.split(",")]
    here = [kernel for kernel in map(load, STOCK) if kernel and kernel.arch in BOARDS]
    if not here:
        raise UsageError("no kernel is here; bring some: memhp lab fetch")
    return here


def _qemu(kernel: Kernel) -> str:
    from memhp.machines.lab.platforms import platform_of

    program = shutil.which(platform_of(kernel.arch).qemu)
    if program is None:
        return "unknown"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return said.stdout.splitlines()[0] if said.stdout else "unknown"


def _hold(kernel: Kernel, args: argparse.Namespace) -> Seen:
    from memhp.machines.lab.conform.results import Seen
    from memhp.machines.lab.conform.scenarios import run as play
    from memhp.machines.lab.conform.scenarios import scenarios_of
    from memhp.spec.system import SYSTEM

    wanted = () if args.no_scenarios else scenarios_of(kernel)
    report = hold(kernel, args.steps, args.seed)
    complain(kernel, report)
    scenarios: dict[Scenario, tuple[Check, ...]] = {}
    for scenario in wanted:
        _say(f"{kernel.name}: {scenario.name}")
        scenarios[scenario] = play(scenario, kernel, SYSTEM)
    _say("")
    for scenario, checks in scenarios.items():
        for check in checks:
            if not check.agrees:
                print(
                    f"{kernel.name}: {scenario.name}: {check.what}: {check.predicted} predicted,"
                    f" {check.seen} seen",
                    file=sys.stderr,
                )
    return Seen.of(kernel.name, kernel.version or "unknown", args.seed, report, scenarios)


def hold(kernel: Kernel, steps: int, seed: int, seconds: float | None = None) -> Report:
    """A walk with a progress line."""
    from memhp.machines.lab.conform import KernelTarget, walk
    from memhp.spec.system import SYSTEM

    def progress(report: Report) -> None:
        done = report.total.steps
        _say(f"{kernel.name}: {done:,} of {steps:,} steps, {done / report.seconds:.0f} a second")

    limit = {} if seconds is None else {"seconds": seconds}
    with KernelTarget(kernel) as target:
        report = walk(target, SYSTEM, steps, seed, progress=progress, **limit)
    _say("")
    return report


def complain(kernel: Kernel, report: Report) -> None:
    """Say what disagrees and which guests were lost, and keep the operations in files.

    The first disagreements are made shorter, each for as long as a minute.
    """
    from memhp.machines.lab.conform import KernelTarget
    from memhp.machines.lab.conform.shrink import shrunk
    from memhp.spec.system import SYSTEM

    for number, lost in enumerate(report.lost, 1):
        print(f"{kernel.name}: a guest was lost: {lost.why}", file=sys.stderr)
        _keep(f"lost-{kernel.name}-{number}.json", kernel, lost.operations, lost.why)
    for number, found in enumerate(report.disagreements, 1):
        if number <= _SHRUNK:
            _say(f"{kernel.name}: disagreement {number} is made shorter")
            with KernelTarget(kernel) as target:
                found = shrunk(target, SYSTEM, found, seconds=_SHRINKING_SECONDS)
            _say("")
        print(f"{kernel.name}: {found}", file=sys.stderr)
        name = f"disagreement-{kernel.name}-{number}.json"
        _keep(name, kernel, found.operations, str(found))


def _keep(name: str, kernel: Kernel, operations: Iterable[Operation], report: str) -> None:
    from memhp.machines.lab.conform.results import disagreement

    write_json(Path(name), disagreement(kernel.name, operations, report))
    print(f"again: memhp replay {name} --target kernel:{kernel.name}", file=sys.stderr)


def fuzz(args: argparse.Namespace) -> int:
    """`memhp fuzz --target kernel:NAME`; exit 1 if the kernel leaves the specification."""
    from memhp.machines.lab import LabError

    try:
        kernel = kernel_named(args.target.partition(":")[2])
        seconds = 60 * args.minutes if args.minutes else None
        steps = args.steps or (sys.maxsize if seconds else _STEPS)
        report = hold(kernel, steps, args.seed, seconds)
        complain(kernel, report)
    except (LabError, UsageError) as error:
        return fail("fuzz", error)
    total = report.total
    print(
        f"{total.steps:,} operations on {args.target} (seed {args.seed}): {total.determined:,}"
        f" determined, {total.allowed:,} allowed, {total.changed:,} changed,"
        f" {total.deviating:,} deviating, {total.disagreed:,} disagreed; {report.seconds:.1f} s"
    )
    return 0 if report.agrees else 1


def replay(document: Any, args: argparse.Namespace) -> int:
    """Do a disagreement again; exit 1 if the kernel still disagrees.  Raises `UsageError`."""
    from memhp.machines.lab import LabError
    from memhp.machines.lab.conform import KernelTarget, again
    from memhp.machines.lab.conform.results import operations_of
    from memhp.spec.system import SYSTEM

    kind, _, name = args.target.partition(":")
    if kind != "kernel":
        raise UsageError(f"it is of a kernel: give --target kernel:{document.get('kernel')}")
    try:
        operations = operations_of(document)
        with KernelTarget(kernel_named(name)) as target:
            report = again(target, SYSTEM, operations)
    except (LabError, ValueError) as error:
        raise UsageError(str(error)) from None
    print(f"{args.trace}: {len(operations)} operations on {args.target}")
    for found in report.disagreements:
        print(found)
    for line in report.changes:
        print(f"changed: {line}")
    for lost in report.lost:
        print(f"the guest was lost: {lost.why}")
    for name, count in report.deviations.items():
        print(f"deviation {name}: {count} times (docs/findings.md)")
    if report.agrees and not report.deviations:
        print("the kernel does what the reference does")
    return 0 if report.agrees else 1


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


_HEADS = (
    "operation",
    "steps",
    "determined",
    "allowed",
    "changed",
    "deviating",
    "disagreed",
    "seconds",
)


def _rows(seen: Seen) -> Iterable[tuple[str, ...]]:
    for name, tally in seen.operations.items():
        *counts, seconds = astuple(tally)
        yield (name, *(f"{count:,}" for count in (tally.steps, *counts)), f"{seconds:,.0f}")


def _show(results: Results) -> None:
    from rich.table import Table

    print(f"{results.date}, {results.qemu}")
    for seen in results.kernels:
        print(f"\n{seen.kernel} ({seen.version}): {seen.steps:,} steps in {seen.seconds:.0f} s")
        table = Table(*_HEADS, box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for row in _rows(seen):
            table.add_row(*row)
        console().print(table)
        for line in seen.changes:
            print(f"changed: {line}")
        for name, count in seen.deviations.items():
            print(f"deviation {name}: {count} times (docs/findings.md)")
        for name, agrees in seen.scenarios.items():
            print(f"scenario {name}: {'as predicted' if agrees else 'NOT as predicted'}")
        if seen.lost:
            print(f"guests lost: {seen.lost}")


def markdown(results: Results) -> str:
    """The results as a Markdown document's tables."""
    lines = [f"Seen on {results.date} with {results.qemu}.", ""]
    lines += [f"| kernel | version | {' | '.join(_HEADS)} |", "| --- " * (len(_HEADS) + 2) + "|"]
    for seen in results.kernels:
        for row in _rows(seen):
            lines.append(f"| {seen.kernel} | {seen.version} | {' | '.join(row)} |")
    names = sorted({name for seen in results.kernels for name in seen.scenarios})
    lines += ["", "| scenario | as predicted by | not by |", "| --- | --- | --- |"]
    for name in names:
        by = {
            flag: [s.kernel for s in results.kernels if s.scenarios.get(name) is flag]
            for flag in (True, False)
        }
        lines.append(f"| `{name}` | {', '.join(by[True])} | {', '.join(by[False]) or 'none'} |")
    return "\n".join(lines) + "\n"
