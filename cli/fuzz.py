"""`memhp fuzz`: a target and the reference do the same, and are compared after each operation."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections import Counter
from errno import errorcode
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from .common import UsageError, at_least_one, console, fail, find_profile, free_path, write_json
from .streams import show_progress

if TYPE_CHECKING:
    from memhp.checks.fuzz.campaign import Campaign
    from memhp.checks.fuzz.reached import Reached

_EPILOG = """examples:
  memhp fuzz                              the engine, by hypothesis: 20000 operations
  memhp fuzz --walk --minutes 10          a random walk on all cores, ten times as fast
  memhp fuzz --target mymodule:MyMemory   a class of your own (see memhp.reference.Target)
  memhp fuzz --target m:C --profile linux-6.12   compare it with Linux's design
  memhp fuzz --walk --keep campaign.json  and once more, to go on where it stopped
  memhp fuzz --target kernel:x86_64-6.12  a real kernel of `memhp lab list`
  memhp fuzz --target kernel:./bzImage    a kernel of your own

What diverges is shrunk and written to a file that `memhp replay` runs again.  A campaign
that is stopped by Ctrl-C is kept, in campaign.json if there is no --keep.
"""


_LISTED = 8
"""So many names are written before the rest is left out."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "fuzz",
        help="compare an implementation with the reference, operation by operation",
        description="Draws operations that the reference allows, and some that it refuses, does"
        " them on a target too, and compares answers and states after each.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--target",
        default="engine",
        metavar="NAME",
        help="engine (default), module:Class, or kernel:NAME",
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="whose design to compare with: list-2004, which the engine follows, or linux-6.12"
        " (default: what the class's attribute profile says, else list-2004; a kernel is always"
        " compared with Linux's)",
    )
    parser.add_argument(
        "--walk", action="store_true", help="a bare random walk, without hypothesis"
    )
    parser.add_argument(
        "--steps", type=at_least_one, metavar="N", help="operations to do, at least (20000)"
    )
    parser.add_argument("--minutes", type=_minutes, metavar="N", help="instead: for so long")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what to draw (0)")
    parser.add_argument("--jobs", type=at_least_one, metavar="N", help="processes (all cores)")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="go on with the campaign in FILE, and keep it"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where a divergence is written (divergence.json)",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="also walk with the target, and list the sometimes properties that this reaches",
    )
    parser.set_defaults(run=run)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of minutes")
    return minutes


def run(args: argparse.Namespace) -> int:
    """Run a campaign; exit 1 if the target leaves the specification."""
    if args.target.startswith("kernel:"):
        from .kernel_target import fuzz

        return fuzz(args)
    args.out = args.out or Path("divergence.json")
    from memhp.checks.cache import default_folder
    from memhp.checks.fuzz.campaign import CampaignError
    from memhp.checks.fuzz.targets import TargetError, target_named
    from memhp.checks.verdicts import Verdict

    sys.path.insert(0, os.getcwd())  # a class of the user's own, beside the user
    try:
        target_named(args.target)
        campaign = _campaign(args)
    except (CampaignError, TargetError, UsageError) as error:
        return fail("fuzz", error)
    folder = default_folder() or Path(os.devnull)
    # What hypothesis keeps for itself is a cache, and nothing to leave where somebody works.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(folder / "hypothesis"))
    started = monotonic()
    stopped = _go_on(campaign, args, started)
    keep = args.keep or (free_path(Path("campaign.json")) if stopped else None)
    try:
        if keep:
            write_json(keep, campaign.to_json())
        if campaign.record:
            write_json(args.out, campaign.record.to_json())
    except UsageError as error:
        return fail("fuzz", error)
    depth = (
        _depth(args, campaign.profile)
        if args.verbose and not (campaign.record or stopped)
        else None
    )
    if args.json:
        print(json.dumps(_document(campaign, args.out, depth), indent=1))
    else:
        _show(campaign, args.out, monotonic() - started)
        if depth:
            _show_depth(depth)
    if stopped and keep:
        print(f"stopped; to go on: {_again(campaign, keep)}", file=sys.stderr)
    if campaign.record:
        return Verdict.refuted.exit_code
    return 130 if stopped else Verdict.holds.exit_code


def _campaign(args: argparse.Namespace) -> Campaign:
    from memhp.checks.fuzz.campaign import Campaign
    from memhp.checks.fuzz.targets import profile_of, target_named

    mode = "walk" if args.walk else "hypothesis"
    profile = find_profile(args.profile or profile_of(target_named(args.target))).name
    if not (args.keep and args.keep.exists()):
        return Campaign(mode, args.target, args.seed, profile=profile)
    try:
        kept = Campaign.from_json(json.loads(args.keep.read_text()))
    except OSError as error:
        raise UsageError(f"cannot read {args.keep}: {error.strerror}") from None
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError):
        raise UsageError(f"{args.keep} is no campaign: it is not JSON") from None
    given = (mode, args.target, args.seed, profile)
    if (kept.mode, kept.target, kept.seed, kept.profile) != given:
        raise UsageError(
            f"{args.keep} is another campaign: {kept.mode} of {kept.target}, seed {kept.seed},"
            f" compared with {kept.profile}"
        )
    return kept


def _again(campaign: Campaign, keep: Path) -> str:
    """The command that goes on with a campaign."""
    from memhp.checks.fuzz.targets import profile_of, target_named

    walk = ["--walk"] if campaign.mode == "walk" else []
    own = campaign.profile == profile_of(target_named(campaign.target))
    profile = [] if own else ["--profile", campaign.profile]
    what = ["--target", campaign.target, *profile, "--seed", str(campaign.seed)]
    return shlex.join(["memhp", "fuzz", *walk, *what, "--keep", str(keep)])


def _go_on(campaign: Campaign, args: argparse.Namespace, started: float) -> bool:
    """Run pieces; whether somebody pressed Ctrl-C."""
    from memhp.checks.fuzz.campaign import run as pieces
    from memhp.checks.fuzz.rules import rules_for
    from memhp.checks.fuzz.targets import target_named

    before = campaign.steps
    rules = len(rules_for(getattr(target_named(args.target), "operations", None)))
    shown = not (args.quiet or args.json) and sys.stderr.isatty()
    steps = None if args.minutes else before + (args.steps or 20_000)
    seconds = args.minutes * 60 if args.minutes else None
    try:
        for _ in pieces(
            campaign, steps=steps, seconds=seconds, jobs=args.jobs or os.cpu_count() or 1
        ):
            if shown:
                rate = (campaign.steps - before) / max(monotonic() - started, 1e-9)
                hit = f"{len(_by_name(campaign))} of {rules} rules"
                show_progress(f"{campaign.steps:,} operations, {rate:,.0f} a second, {hit}")
    except KeyboardInterrupt:
        return True
    finally:
        if shown:
            print(file=sys.stderr)
    return False


def _show(campaign: Campaign, out: Path, seconds: float) -> None:
    from rich.table import Table

    from memhp.spec.profiles import DEFAULT, LINUX

    table = Table(box=None, pad_edge=False)
    table.add_column("operation", no_wrap=True)
    table.add_column("done", justify="right")
    table.add_column("succeeded", justify="right")
    table.add_column("refused with", overflow="fold")
    for name, answers in sorted(_by_name(campaign).items()):
        errors = sorted((str(errorcode.get(e, e)), n) for e, n in answers.items() if e is not None)
        table.add_row(
            name,
            f"{sum(answers.values()):,}",
            f"{answers[None]:,}",
            ", ".join(f"{word} {count:,}" for word, count in errors),
        )
    console().print(table)
    share = campaign.changed / campaign.steps if campaign.steps else 0.0
    print(
        f"\n{campaign.steps:,} operations on {campaign.target} ({campaign.mode}, seed"
        f" {campaign.seed}), compared with {campaign.profile}; {share:.0%} changed something;"
        f" {seconds:.1f} s"
    )
    if campaign.steps:
        print(_compared(campaign))
    if campaign.record is None:
        print("no divergence")
        return
    record = campaign.record
    print(f"diverged, shrunk to {len(record.operations)} operations:")
    for number, (name, params) in enumerate(record.operations, 1):
        print(f"{number:3} {name}({', '.join(map(str, params))})")
    print(record.report)
    print(f"again: memhp replay {out} --target {campaign.target}")
    if campaign.profile == DEFAULT and campaign.target != "engine":
        print(f"{DEFAULT} is what the list asks for; Linux's design is --profile {LINUX}")


def _compared(campaign: Campaign) -> str:
    """How much of the state was compared, and what was not: one paragraph."""
    from memhp.spec.system import SYSTEM

    known = len(SYSTEM.variables)
    never, parts = _untold(campaign)
    text = f"compared: {known - len(never)} of {known} variables"
    if parts:
        left: Counter[str] = Counter()
        for _, name, places in parts:
            left[name] += len(places)
        some = ", ".join(f"{name} ({number} entries never told)" for name, number in left.items())
        text += f"; in part {some}"
    if never:
        listed = ", ".join(never[:_LISTED]) + (", …" if len(never) > _LISTED else "")
        text += f"; never {listed}"
    return text


def _untold(campaign: Campaign) -> tuple[tuple[str, ...], list[tuple[str, str, list[int]]]]:
    """The variables that nothing was told of on any machine, and for others the entries."""
    from memhp.checks.fuzz.told import never_told
    from memhp.spec.system import SYSTEM

    never = never_told(SYSTEM, campaign.untold)
    parts = [
        (machine, name, sorted(places))
        for machine, untold in campaign.untold.items()
        for name, places in untold.items()
        if name not in never
    ]
    return never, parts


def _depth(args: argparse.Namespace, profile: str) -> Reached:
    from memhp.checks.fuzz.reached import reached
    from memhp.checks.fuzz.targets import target_named
    from memhp.spec.profiles import system_of

    target, system = target_named(args.target), system_of(profile)
    return reached(system, target, steps=args.steps or 20_000, seed=args.seed)


def _show_depth(depth: Reached) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("sometimes", no_wrap=True)
    table.add_column("episodes", justify="right")
    table.add_column("no operation took", overflow="fold")
    for name, count in depth.episodes.most_common():
        table.add_row(name, str(count), "")
    for name, lacking in depth.missed.items():
        table.add_row(name, "0", ", ".join(lacking))
    console().print(table)
    print(
        f"\n{depth.steps:,} operations in {depth.of} episodes reach {len(depth.episodes)} of"
        f" {len(depth.episodes) + len(depth.missed)} sometimes properties"
    )


def _by_name(campaign: Campaign) -> dict[str, Counter[int | None]]:
    found: dict[str, Counter[int | None]] = {}
    for (name, errno), count in campaign.answers.items():
        found.setdefault(name, Counter())[errno] += count
    return found


def _document(campaign: Campaign, out: Path, depth: Reached | None) -> dict[str, Any]:
    record, (never, parts) = campaign.record, _untold(campaign)
    return {
        "schema": "memhp-fuzz/1",
        "target": campaign.target,
        "profile": campaign.profile,
        "mode": campaign.mode,
        "seed": campaign.seed,
        "steps": campaign.steps,
        "changed": campaign.changed,
        "untold": {
            "variables": never,
            "entries": [
                {"machine": on, "variable": name, "entries": places} for on, name, places in parts
            ],
        },
        "operations": [
            {
                "name": name,
                "answers": {
                    "success" if errno is None else errorcode.get(errno, str(errno)): count
                    for errno, count in answers.items()
                },
            }
            for name, answers in sorted(_by_name(campaign).items())
        ],
        **({} if depth is None else {"reached": _depth_json(depth)}),
        "divergence": None
        if record is None
        else {
            "file": str(out),
            "operations": [[name, *params] for name, params in record.operations],
            "report": record.report.splitlines(),
        },
    }


def _depth_json(depth: Reached) -> dict[str, Any]:
    return {
        "steps": depth.steps,
        "episodes": depth.of,
        "sometimes": [
            {"name": name, "episodes": count, "lacking": []}
            for name, count in depth.episodes.most_common()
        ]
        + [
            {"name": name, "episodes": 0, "lacking": list(lacking)}
            for name, lacking in depth.missed.items()
        ],
    }
