"""Real kernels as targets: walks with progress, what they leave behind, and doing that again.

This is what `memhp lab conform`, `memhp fuzz` and `memhp replay` share.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import fail, free_path, write_json
from .names import choose
from .output.streams import UsageError, show_progress

if TYPE_CHECKING:
    from memhp.lab import Kernel
    from memhp.lab.conform import Disagreement, Report
    from memhp.lab.conform.results import Results, Seen
    from memhp.lab.conform.target import Operation

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
    from memhp.lab import STOCK, identified, load, own
    from memhp.lab.conform import BOARDS

    if name not in STOCK and Path(name).is_file():
        kernel = identified(own(Path(name), modules))
    elif modules is not None:
        raise UsageError(f"--modules goes with an image: {name} has its own")
    elif found := load(choose("kernel", name, STOCK)):
        kernel = found
    else:
        raise UsageError(f"{name} is not here, or not whole; bring it: memhp lab fetch {name}")
    if kernel.arch not in BOARDS:
        raise UsageError(f"{name}: guests of {', '.join(BOARDS)} can be held, not {kernel.arch}")
    return kernel


def can_be_written(option: str, path: Path) -> None:
    """Before a long run: whether its result can be kept there.  Raises `UsageError`."""
    try:
        folder = path.resolve().parent
        if not folder.is_dir():
            raise UsageError(f"{option} {path}: there is no such folder")
        if path.is_dir():
            raise UsageError(f"{option} {path}: it is a folder")
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError
        raise UsageError(f"{option} {path}: {getattr(error, 'strerror', error)}") from None
    if not os.access(path if path.exists() and not path.is_file() else folder, os.W_OK):
        raise UsageError(f"{option} {path}: it cannot be written")


def hold(
    kernel: Kernel, steps: int, seed: int, seconds: float | None = None, *, quiet: bool = False
) -> tuple[Report, bool]:
    """A walk with a progress line: how it went, and whether somebody pressed Ctrl-C."""
    from memhp.lab.conform import KernelTarget, Report, walk
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


def complain(kernel: Kernel, report: Report, *, shorten: bool = True) -> bool:
    """Say what disagrees and which guests were lost, and keep the operations in files.

    The first disagreements are made shorter, each for as long as a minute, if ``shorten``.

    Returns:
        whether somebody pressed Ctrl-C meanwhile; everything is said and kept all the same.
    """
    for lost in report.lost:
        print(f"{kernel.name}: a guest was lost: {lost.why}", file=sys.stderr)
        _keep(_free("lost", kernel), kernel, lost.operations, lost.why)
    for number, found in enumerate(report.disagreements):
        path = _free("disagreement", kernel)
        print(f"{kernel.name}: {found}", file=sys.stderr)
        _keep(path, kernel, found.operations, str(found))
        if shorten and number < _SHRUNK:
            try:
                short = _shortened(kernel, found)
            except KeyboardInterrupt:
                shorten = False
                continue
            if short is not found:
                print(f"{kernel.name}, made shorter: {short}", file=sys.stderr)
                _keep(path, kernel, short.operations, str(short))
    for name, tally in report.tallies.items():
        if not (tally.agrees or tally.disagreed):
            print(
                f"{kernel.name}: {tally.changed} of {tally.steps} steps of {name} are explained"
                " by changes alone: too many",
                file=sys.stderr,
            )
    return not shorten


def _shortened(kernel: Kernel, found: Disagreement) -> Disagreement:
    from memhp.lab.conform import KernelTarget
    from memhp.lab.conform.shrink import shrunk
    from memhp.spec.system import SYSTEM

    say(f"{kernel.name}: the disagreement is made shorter")
    try:
        with KernelTarget(kernel) as target:
            return shrunk(target, SYSTEM, found, seconds=_SHRINKING_SECONDS)
    finally:
        say("")


def _free(what: str, kernel: Kernel) -> Path:
    """A file here for what was found, beside those of before."""
    return free_path(Path(f"{what}-{Path(kernel.name).name}.json"))


def _keep(path: Path, kernel: Kernel, operations: Iterable[Operation], report: str) -> None:
    """Write the operations, or say why that is not possible."""
    from memhp.lab.conform.results import disagreement

    try:
        write_json(path, disagreement(kernel.name, operations, report))
    except UsageError as error:
        print(f"memhp lab: {error}", file=sys.stderr)
        return
    again = shlex.join(["memhp", "replay", str(path), "--target", f"kernel:{kernel.name}"])
    print(f"again: {again}", file=sys.stderr)


def results_of(kernels: Iterable[Kernel], seen: Iterable[Seen]) -> Results:
    """What was seen today, with the QEMU of the first kernel."""
    from memhp.lab.conform.results import Results, rules_of
    from memhp.lab.guest.platforms import version_of_qemu
    from memhp.spec.system import SYSTEM

    qemu = version_of_qemu(next(iter(kernels)).arch)
    return Results(f"{datetime.now(UTC):%Y-%m-%d}", qemu, rules_of(SYSTEM), tuple(seen))


def fuzz(args: argparse.Namespace) -> int:
    """`memhp fuzz --target kernel:NAME`; exit 1 if the kernel leaves the specification."""
    from memhp.lab import LabError
    from memhp.lab.conform.results import Seen
    from memhp.spec.profiles import LINUX

    try:
        for name in _NOT_OF_KERNELS:
            if getattr(args, name):
                raise UsageError(f"--{name} does not go with a kernel, which is walked in one go")
        if args.profile not in (None, LINUX):
            raise UsageError(f"a kernel is compared with {LINUX}, not with {args.profile}")
        kernel = kernel_named(args.target.partition(":")[2])
        seconds = 60 * args.minutes if args.minutes else None
        steps = args.steps or (sys.maxsize if seconds else STEPS)
        quiet = args.quiet or args.json
        report, stopped = hold(kernel, steps, args.seed, seconds, quiet=quiet)
        stopped = complain(kernel, report, shorten=not stopped)
    except (LabError, UsageError, OSError) as error:
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
    from memhp.lab import LabError
    from memhp.lab.conform import KernelTarget, again
    from memhp.lab.conform.results import operations_of
    from memhp.spec.system import SYSTEM

    kind, _, name = args.target.partition(":")
    try:
        operations = operations_of(document)
        if kind != "kernel":
            raise UsageError(f"it is of a kernel: give --target kernel:{document['kernel']}")
        with KernelTarget(kernel_named(name)) as target:
            report = again(target, SYSTEM, operations)
    except (LabError, ValueError, OSError) as error:
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
    if report.agrees and not (report.deviations or report.changes):
        print("the kernel does what the reference does")
    return 0 if report.agrees else 1


def say(text: str) -> None:
    """Show it as the progress line, if somebody looks; an empty text wipes that."""
    show_progress(text)
