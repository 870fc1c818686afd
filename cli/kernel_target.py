"""Real kernels as targets: walks with progress, what they leave behind, and doing that again.

This is what `memhp lab conform`, `memhp fuzz` and `memhp replay` share.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import fail, free_path, write_json
from .ktap import ktap
from .names import choose
from .output.again import tell_again
from .output.streams import INTERRUPTED, UsageError, show_progress

if TYPE_CHECKING:
    from memhp.lab.conform.campaign import Campaign, Finding
    from memhp.lab.conform.report import Report, Tally
    from memhp.lab.kernels.kernel import Kernel

STEPS = 300
"""How many operations are done on a kernel, unless somebody says otherwise."""
_NOT_OF_KERNELS = ("jobs", "keep", "out", "verbose", "html", "cluster")
"""Options of `memhp fuzz` that do not go with a kernel."""


def kernel_named(name: str, modules: Path | None = None) -> Kernel:
    """A kernel that can be held: a stock one that is here, or an image by its path.

    Raises:
        UsageError: there is none such, or no guest of its kind is known.
        LabError: it is the user's own, and does not boot.
    """
    from memhp.lab.conform.board import BOARDS
    from memhp.lab.guest.probe import identified
    from memhp.lab.kernels.kernel import STOCK, load, own

    if name not in STOCK and Path(name).is_file():
        kernel = identified(own(Path(name), modules))
    elif modules is not None:
        raise UsageError(f"--modules goes with an image: {name} has its own")
    elif stock := load(choose("kernel", name, STOCK)):
        kernel = stock
    else:
        raise UsageError(f"{name} is not here, or not whole; bring it: memhp lab fetch {name}")
    if kernel.arch not in BOARDS:
        raise UsageError(f"{name}: guests of {', '.join(BOARDS)} can be held, not {kernel.arch}")
    return kernel


def can_be_written(option: str, path: Path) -> None:
    """Before a long run, see that its result can be written.

    Args:
        option: the option that names the path, for the message.
        path: the file.

    Raises:
        UsageError: it cannot be written.
    """
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


def walk(
    kernel: Kernel, steps: int, seed: int, seconds: float | None = None, *, quiet: bool = False
) -> Campaign:
    """A campaign on the kernel after its walk, which has a line of progress.

    Args:
        kernel: the kernel.
        steps: how many operations, at most.
        seed: what they are drawn from.
        seconds: for how long, at most; None: as long as it takes.
        quiet: without the line of progress.

    Raises:
        LabError: the first guest does not boot.
    """
    from memhp.lab.conform.campaign import Campaign

    def progress(report: Report) -> None:
        if quiet:
            return
        count = report.total.steps
        so_far = f"{count:,} of {steps:,} steps"
        if seconds is not None:
            so_far = f"{count:,} steps in {report.seconds:.0f} of {seconds:.0f} s"
        rate = count / max(report.seconds, 1e-9)
        show_progress(f"{kernel.name}: {so_far}, {rate:.0f} a second")

    campaign = Campaign(kernel, seed)
    campaign.walk(steps, seconds=math.inf if seconds is None else seconds, progress=progress)
    show_progress()
    return campaign


def progress_of(kernel: Kernel) -> Callable[[str], None]:
    """What shows a line of progress with the kernel's name; an empty one wipes it."""
    return lambda text: show_progress(f"{kernel.name}: {text}" if text else "")


def complain(kernel: Kernel, findings: Iterable[Finding], too_often: Mapping[str, Tally]) -> None:
    """Say what disagrees and which guests were lost, and keep the operations in files.

    Args:
        kernel: the kernel.
        findings: what disagrees, and which guests were lost.
        too_often: the operations of which too many steps only changes explain.
    """
    path = Path()
    for finding in findings:
        if not finding.shorter:
            path = free_path(Path(f"{finding.kind}-{Path(kernel.name).name}.json"))
        about = "a guest was lost: " if finding.kind == "lost" else ""
        shorter = ", made shorter" * finding.shorter
        print(f"{kernel.name}{shorter}: {about}{finding.report}", file=sys.stderr)
        _keep(path, kernel, finding)
    for name, tally in too_often.items():
        print(
            f"{kernel.name}: {tally.changed} of {tally.steps} steps of {name} are explained"
            " by changes alone: too many",
            file=sys.stderr,
        )


def _keep(path: Path, kernel: Kernel, finding: Finding) -> None:
    """Write the operations, or say why that is not possible."""
    from memhp.lab.conform.results import disagreement

    try:
        write_json(path, disagreement(kernel.name, finding.operations, finding.report))
    except UsageError as error:
        print(f"memhp lab: {error}", file=sys.stderr)
        return
    again = shlex.join(["memhp", "replay", str(path), "--target", f"kernel:{kernel.name}"])
    print(f"again: {again}", file=sys.stderr)


def fuzz(args: argparse.Namespace) -> int:
    """`memhp fuzz --target kernel:NAME`; exit 1 if the kernel leaves the specification."""
    from memhp.lab.conform.evidence import results_of
    from memhp.lab.tools.errors import LabError

    try:
        for name in _NOT_OF_KERNELS:
            if getattr(args, name):
                raise UsageError(f"--{name} does not go with a kernel, which is walked in one go")
        if args.shard != (1, 1):
            raise UsageError("--shard does not go with a kernel: give each another --seed")
        if args.profile is not None:
            raise UsageError(
                "a kernel is compared with the design of its own version of Linux: leave --profile"
                " away"
            )
        kernel = kernel_named(args.target.partition(":")[2])
        seconds = 60 * args.minutes if args.minutes else None
        steps = args.steps or (sys.maxsize if seconds else STEPS)
        quiet = args.quiet or args.json or args.ktap
        campaign = walk(kernel, steps, args.seed, seconds, quiet=quiet)
        findings = campaign.findings(progress_of(kernel))
        complain(kernel, findings, campaign.report.changed_too_often)
    except (LabError, UsageError, OSError) as error:
        return fail("fuzz", error)
    report = campaign.report
    if args.json:
        print(json.dumps(results_of([kernel], [campaign.seen()]).to_json(), indent=1))
    elif args.ktap:
        print("\n".join(ktap([campaign.seen()])))
    else:
        total = report.total
        print(
            f"{total.steps:,} operations on {args.target} (seed {args.seed}): {total.determined:,}"
            f" determined, {total.allowed:,} allowed, {total.changed:,} changed,"
            f" {total.deviating:,} deviating, {total.disagreed:,} disagreed; {report.seconds:.1f} s"
        )
    if not report.agrees:
        return 1
    return INTERRUPTED if campaign.stopped else 0


def replay(document: Any, args: argparse.Namespace) -> int:
    """Do a disagreement again; the exit code is 1 if the kernel still disagrees.

    Args:
        document: what `complain` wrote.
        args: those of `memhp replay`.

    Raises:
        UsageError: it is malformed, or cannot be done on the target.
    """
    from memhp.lab.conform.results import operations_of
    from memhp.lab.conform.target import KernelTarget
    from memhp.lab.conform.walk import again
    from memhp.lab.tools.errors import LabError
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
    lines = [str(disagreement) for disagreement in report.disagreements]
    lines += [f"changed: {line}" for line in report.changes]
    lines += [f"the guest was lost: {lost.why}" for lost in report.lost]
    lines += [
        f"deviation {name}: {count} times (docs/findings.md)"
        for name, count in report.deviations.items()
    ]
    if report.agrees and not (report.deviations or report.changes):
        lines.append("the kernel does what the reference does")
    done = [[name, *params] for name, params in operations]
    tell_again(args, "disagreement", done, lines, agrees=report.agrees)
    return 0 if report.agrees else 1
