"""`memhp lab conform`: real kernels held against the reference, and what they showed."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_cluster, at_least_one
from .files import write_json
from .junit import junit
from .kernel_target import (
    STEPS,
    can_be_written,
    complain,
    kernel_named,
    progress_of,
    walk,
)
from .ktap import ktap
from .output.streams import INTERRUPTED, UsageError, show_progress
from .output.terminal import console, tell
from .pages import add_html, write_kernels

if TYPE_CHECKING:
    from memhp.lab.conform.report import Tally
    from memhp.lab.conform.results import Results, Seen
    from memhp.lab.conform.scenarios import Check
    from memhp.lab.kernels.kernel import Kernel

_EPILOG = """examples:
  memhp lab conform                              every kernel that is here, 300 steps each
  memhp lab conform --kernels x86_64-6.12 --steps 2000 --seed 7
  memhp lab conform --kernels all --save kernels.json
  memhp lab conform --kernels arch/x86/boot/bzImage     a kernel of your own
  memhp lab conform --show kernels.json          the table of a file; without FILE: of memhp's own
  memhp lab conform --show --html page.html      the same as a page

columns: operation; steps; determined, allowed, changed, deviating, disagreed: how many of them were
  each, as below; seconds

A step is *determined* when the specification allows one outcome, and *allowed* when it allows
several, because nothing shows where the kernel's own memory lies.  It is *changed* when only
another content of the blocks explains it, seen too late, or by nobody if they were ejected; there
may be few of these.  *Deviating* steps are explained by what docs/findings.md says of Linux.

A kernel of your own needs, built in: BLK_DEV_INITRD, DEVTMPFS, TMPFS, NUMA, MEMORY_HOTREMOVE,
CPUSETS, IO_URING, HUGETLBFS and PROC_PAGE_MONITOR; of x86_64 also SERIAL_8250_CONSOLE,
ACPI_NUMA and ACPI_HOTPLUG_MEMORY.

exit codes: 0 every step and scenario is explained, 1 something disagrees, 2 bad usage,
3 a kernel cannot be held: its guests do not boot, or are of a kind that is not known
"""


_MOST_BYTES = 64 << 20
"""Of a file with what kernels have shown; one of memhp's own has some 50 KB."""


def add_parser(parts: Any, guarded: Callable[[Any], Any]) -> None:
    """Add the sub-command to those of `memhp lab`."""
    parser = parts.add_parser(
        "conform",
        help="hold real kernels against the reference",
        description="Boots kernels, does random operations and named scenarios on each, and"
        " compares every answer and everything that sysfs shows with the reference.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--kernels",
        default="all",
        metavar="NAME,…",
        help="of `memhp lab list`, or paths of kernel images (default: all stock ones here)",
    )
    parser.add_argument(
        "--modules", type=Path, metavar="FOLDER", help="those of an image, if not built in"
    )
    parser.add_argument(
        "--steps", type=at_least_one, default=STEPS, metavar="N", help=f"default: {STEPS}"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    add_cluster(parser, "kernels")
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
    _add_forms(parser)
    parser.set_defaults(run=guarded(run))


def _add_forms(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how it is shown."""
    add_html(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument("--markdown", action="store_true", help="the table for a document")
    form.add_argument("--ktap", action="store_true", help="KTAP, as kernel CI reads it")
    form.add_argument("--junit", action="store_true", help="JUnit's XML, as other CI reads it")


def run(args: argparse.Namespace) -> int:
    """Hold the kernels against the reference; the exit code is 1 if one disagrees.

    Raises:
        UsageError: a shard has no kernel, or a file cannot be read or written.
    """
    from memhp.lab.conform.evidence import recorded, results_of

    failed = stopped = False
    for option, path in (("--save", args.save), ("--html", args.html)):
        if path:
            can_be_written(option, path)
    if args.show:
        results = recorded() if args.show is True else _read(Path(args.show))
    else:
        number, count = args.shard
        kernels = _kernels(args)[number - 1 :: count]
        if not kernels:
            raise UsageError(f"--shard {number}/{count}: there are fewer kernels than that")
        seen, failed, stopped = (_on_cluster if args.cluster else _all)(kernels, args)
        results = results_of(kernels, seen)
    if args.json:
        print(json.dumps(results.to_json(), indent=1))
    elif args.ktap:
        print("\n".join(ktap(results.kernels)))
    elif args.junit:
        print(junit(results.kernels))
    elif args.markdown:
        print(markdown(results), end="")
    else:
        _show(results)
    if args.save:
        write_json(args.save, results.to_json())
    if args.html:
        write_kernels(args.html, results)
    if not all(each.agrees for each in results.kernels):
        return 1
    if stopped:
        return INTERRUPTED
    return 3 if failed else 0


def _all(
    kernels: Iterable[Kernel], args: argparse.Namespace
) -> tuple[tuple[Seen, ...], bool, bool]:
    """What each kernel has shown; whether one could not be held at all; whether it was stopped."""
    from memhp.lab.tools.errors import LabError

    seen, failed, stopped = [], False, False
    for kernel in kernels:
        try:
            each, stopped = _hold(kernel, args)
            seen.append(each)
        except LabError as error:
            show_progress()
            print(f"memhp lab: {error}", file=sys.stderr)
            failed = True
        if stopped:
            print(f"memhp lab: stopped while {kernel.name} was held", file=sys.stderr)
            break
    return tuple(seen), failed, stopped


def _read(path: Path) -> Results:
    from memhp.checks.support.files import json_of, read_whole
    from memhp.lab.conform.results import Results

    try:
        return Results.from_json(json_of(read_whole(path, _MOST_BYTES)))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def _kernels(args: argparse.Namespace) -> list[Kernel]:
    from memhp.lab.conform.board import BOARDS
    from memhp.lab.kernels.kernel import STOCK, load

    if args.kernels != "all" or args.modules is not None:
        return [kernel_named(name, args.modules) for name in args.kernels.split(",")]
    here = [kernel for kernel in map(load, STOCK) if kernel and kernel.arch in BOARDS]
    if not here:
        raise UsageError("no kernel is here; bring some: memhp lab fetch")
    return here


def _hold(kernel: Kernel, args: argparse.Namespace) -> tuple[Seen, bool]:
    """What the kernel has shown, and whether somebody pressed Ctrl-C."""
    from memhp.lab.conform.scenarios import scenarios_of

    scenarios = () if args.no_scenarios else scenarios_of(kernel)
    campaign = walk(kernel, args.steps, args.seed)
    findings = campaign.findings(progress_of(kernel))
    complain(kernel, findings, campaign.report.changed_too_often)
    campaign.play(scenarios, progress_of(kernel))
    _say_failed(kernel, campaign.failed)
    return campaign.seen(), campaign.stopped


def _say_failed(kernel: Kernel, failed: Iterable[tuple[str, Check]]) -> None:
    for name, check in failed:
        print(
            f"{kernel.name}: {name}: {check.what}: {check.predicted} predicted, {check.seen} seen",
            file=sys.stderr,
        )


def _on_cluster(
    kernels: Sequence[Kernel], args: argparse.Namespace
) -> tuple[tuple[Seen, ...], bool, bool]:
    """The same as `_all`, each kernel a piece of work."""
    from memhp.checks.support.cluster import ClusterError, pool
    from memhp.checks.support.workers import Lost, all_of
    from memhp.lab.conform.campaign import hold
    from memhp.lab.tools.errors import LabError

    seen: dict[int, Seen] = {}
    failed = stopped = False
    pieces = [(kernel, args.steps, args.seed, not args.no_scenarios) for kernel in kernels]
    try:
        with pool(args.cluster, os.cpu_count() or 1, hold) as workers:
            show_progress(f"0 of {len(kernels)} kernels")
            for number, held in all_of(workers, pieces):
                show_progress()
                kernel = kernels[number]
                if isinstance(held, Lost):
                    again = ["--kernels", kernel.name, "--seed", str(args.seed)]
                    said = shlex.join(["memhp", "lab", "conform", *again])
                    print(f"memhp lab: {kernel.name}: {held.why}; again: {said}", file=sys.stderr)
                    failed = True
                    continue
                complain(kernel, held.findings, held.too_often)
                _say_failed(kernel, held.checks)
                seen[number] = held.seen
                show_progress(f"{len(seen)} of {len(kernels)} kernels")
    except (ClusterError, LabError) as error:
        if not seen and isinstance(error, ClusterError):
            raise UsageError(str(error)) from None
        print(f"memhp lab: {error}", file=sys.stderr)
        failed = True
    except KeyboardInterrupt:
        stopped = True
    show_progress()
    return tuple(each for _, each in sorted(seen.items())), failed, stopped


_HEADS = (
    "steps",
    "determined",
    "allowed",
    "changed",
    "deviating",
    "disagreed",
    "seconds",
)


def _figures(tally: Tally) -> tuple[str, ...]:
    """The columns of `_HEADS`."""
    *counts, seconds = astuple(tally)
    return (*(f"{count:,}" for count in (tally.steps, *counts)), f"{seconds:,.0f}")


def _show(results: Results) -> None:
    from rich.table import Table

    print(f"{results.date}, {results.qemu}")
    for seen in results.kernels:
        took = f"{seen.seconds:.0f} s{', stopped' * seen.stopped}"
        tell(f"\n{seen.kernel} ({seen.version}): {seen.steps:,} steps in {took}")
        table = Table("operation", *_HEADS, box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for name, tally in seen.operations.items():
            table.add_row(name, *_figures(tally))
        table.add_row("all", *_figures(seen.total))
        console().print(table)
        for line in seen.changes:
            tell(f"changed: {line}")
        for name, count in seen.deviations.items():
            tell(f"deviation {name}: {count} times (docs/findings.md)")
        for name, agrees in seen.scenarios.items():
            tell(f"scenario {name}: {'as predicted' if agrees else 'NOT as predicted'}")
        if seen.lost:
            tell(f"guests lost: {seen.lost}")


def markdown(results: Results) -> str:
    """The results as a Markdown document's tables."""
    lines = [f"Seen on {results.date} with {results.qemu}.", ""]
    lines += _table("kernel", "version", *_HEADS, "guests lost")
    lines += [
        _row(seen.kernel, seen.version, *_figures(seen.total), str(seen.lost))
        for seen in results.kernels
    ]
    lines += ["", *_table("kernel", "operation", *_HEADS)]
    lines += [
        _row(seen.kernel, name, *_figures(tally))
        for seen in results.kernels
        for name, tally in seen.operations.items()
    ]
    lines += ["", *_table("scenario", "as predicted by", "not by")]
    for name in sorted({name for seen in results.kernels for name in seen.scenarios}):
        by = {
            flag: ", ".join(s.kernel for s in results.kernels if s.scenarios.get(name) is flag)
            for flag in (True, False)
        }
        lines.append(_row(f"`{name}`", by[True] or "none", by[False] or "none"))
    return "\n".join(lines) + "\n"


def _table(*heads: str) -> list[str]:
    """The first lines of a table."""
    return [_row(*heads), _row(*["---"] * len(heads))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
