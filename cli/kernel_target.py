"""Real kernels as targets: walks with progress, what they leave behind, and doing that again.

This is what `memhp lab conform`, `memhp fuzz` and `memhp replay` share.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import UsageError, choose, fail, write_json

if TYPE_CHECKING:
    from memhp.machines.lab import Kernel
    from memhp.machines.lab.conform import Report
    from memhp.machines.lab.conform.results import Results, Seen
    from memhp.machines.lab.conform.target import Operation

STEPS = 300
"""How many operations are done on a kernel, unless somebody says otherwise."""
_SHRUNK = 3
_SHRINKING_SECONDS = 60.0
STOPPED = 130
"""The exit code after Ctrl-C."""
_NOT_OF_KERNELS = ("jobs", "keep", "out", "verbose")
"""Options of `memhp fuzz` that do not go with a kernel."""


def kernel_named(name: str, modules: Path | None = None) -> Kernel:
    """A kernel that can be held: a stock one that is here, or an image by its path.

    Raises:
        UsageError: there is none such, or no guest of its kind is known.
        LabError: it is the user's own, and does not boot.
    """
    from memhp.machines.lab import STOCK, identified, load, own
    from memhp.machines.lab.conform import BOARDS

    if name not in STOCK and Path(name).is_file():
        kernel = identified(own(Path(name), modules))
    elif found := load(choose("kernel", name, STOCK)):
        kernel = found
    else:
        raise UsageError(f"{name} is not here; bring it: memhp lab fetch {name}")
    if kernel.arch not in BOARDS:
        raise UsageError(f"{name}: guests of {', '.join(BOARDS)} can be held, not {kernel.arch}")
    return kernel


def hold(
    kernel: Kernel, steps: int, seed: int, seconds: float | None = None, *, quiet: bool = False
) -> tuple[Report, bool]:
    """A walk with a progress line: how it went, and whether somebody pressed Ctrl-C."""
    from memhp.machines.lab.conform import KernelTarget, Report, walk
    from memhp.spec.system import SYSTEM

    last, stopped = Report(), False

    def progress(report: Report) -> None:
        nonlocal last
        last, done = report, report.total.steps
        if not quiet:
            so_far = f"{done:,} of {steps:,} steps"
            if seconds is not None:
                so_far = f"{done:,} steps in {report.seconds:.0f} of {seconds:.0f} s"
            rate = done / max(report.seconds, 1e-9)
            say(f"{kernel.name}: {so_far}, {rate:.0f} a second")

    limit = {} if seconds is None else {"seconds": seconds}
    try:
        with KernelTarget(kernel) as target:
            walk(target, SYSTEM, steps, seed, progress=progress, **limit)
    except KeyboardInterrupt:
        stopped = True
    say("")
    return last, stopped


def complain(kernel: Kernel, report: Report, *, shorten: bool = True) -> None:
    """Say what disagrees and which guests were lost, and keep the operations in files.

    The first disagreements are made shorter, each for as long as a minute, if ``shorten``.
    """
    from memhp.machines.lab.conform import KernelTarget
    from memhp.machines.lab.conform.shrink import shrunk
    from memhp.spec.system import SYSTEM

    for number, lost in enumerate(report.lost, 1):
        print(f"{kernel.name}: a guest was lost: {lost.why}", file=sys.stderr)
        _keep(f"lost-{_stem(kernel)}-{number}.json", kernel, lost.operations, lost.why)
    for number, found in enumerate(report.disagreements, 1):
        if shorten and number <= _SHRUNK:
            say(f"{kernel.name}: disagreement {number} is made shorter")
            with KernelTarget(kernel) as target:
                found = shrunk(target, SYSTEM, found, seconds=_SHRINKING_SECONDS)
            say("")
        print(f"{kernel.name}: {found}", file=sys.stderr)
        name = f"disagreement-{_stem(kernel)}-{number}.json"
        _keep(name, kernel, found.operations, str(found))


def _stem(kernel: Kernel) -> str:
    """The kernel in the name of a file."""
    return Path(kernel.name).name


def _keep(name: str, kernel: Kernel, operations: Iterable[Operation], report: str) -> None:
    from memhp.machines.lab.conform.results import disagreement

    write_json(Path(name), disagreement(kernel.name, operations, report))
    again = shlex.join(["memhp", "replay", name, "--target", f"kernel:{kernel.name}"])
    print(f"again: {again}", file=sys.stderr)


def results_of(kernels: Iterable[Kernel], seen: Iterable[Seen]) -> Results:
    """What was seen today, with the QEMU of the first kernel."""
    from memhp.machines.lab.conform.results import Results
    from memhp.machines.lab.platforms import version_of_qemu

    qemu = version_of_qemu(next(iter(kernels)).arch)
    return Results(f"{datetime.now(UTC):%Y-%m-%d}", qemu, tuple(seen))


def fuzz(args: argparse.Namespace) -> int:
    """`memhp fuzz --target kernel:NAME`; exit 1 if the kernel leaves the specification."""
    from memhp.machines.lab import LabError
    from memhp.machines.lab.conform.results import Seen

    try:
        for name in _NOT_OF_KERNELS:
            if getattr(args, name):
                raise UsageError(f"--{name} does not go with a kernel, which is walked in one go")
        kernel = kernel_named(args.target.partition(":")[2])
        seconds = 60 * args.minutes if args.minutes else None
        steps = args.steps or (sys.maxsize if seconds else STEPS)
        quiet = args.quiet or args.json
        report, stopped = hold(kernel, steps, args.seed, seconds, quiet=quiet)
        complain(kernel, report, shorten=not stopped)
    except (LabError, UsageError) as error:
        return fail("fuzz", error)
    if args.json:
        seen = Seen.of(kernel.name, kernel.version or "unknown", args.seed, report, {})
        print(json.dumps(results_of([kernel], [seen]).to_json(), indent=1))
    else:
        total = report.total
        print(
            f"{total.steps:,} operations on {args.target} (seed {args.seed}): {total.determined:,}"
            f" determined, {total.allowed:,} allowed, {total.changed:,} changed,"
            f" {total.deviating:,} deviating, {total.disagreed:,} disagreed; {report.seconds:.1f} s"
        )
    if not report.agrees:
        return 1
    return STOPPED if stopped else 0


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


def say(text: str) -> None:
    """Show it as the progress line, if somebody looks; an empty text wipes that."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
