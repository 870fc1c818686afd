"""`memhp fuzz`: a target and the reference do the same, and are compared after each operation."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from errno import EISDIR
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic
from typing import TYPE_CHECKING, Any

from .arguments import add_cluster, add_limit, at_least_one
from .designs import DesignFile, add_design, design_in
from .files import fail, free_path, write_json
from .names import find_profile
from .output.fuzz import (
    by_name,
    document,
    show,
    show_depth,
    show_list,
)
from .output.streams import INTERRUPTED, UsageError, show_progress
from .pages import add_html, write_divergence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memhp.checks.fuzz.campaign import Campaign
    from memhp.checks.fuzz.plan import Plan
    from memhp.checks.fuzz.reached import Reached
    from memhp.reference.topology import Topology
    from memhp.spec.language import System

_EPILOG = """examples:
  memhp fuzz                              the engine, by hypothesis: 20000 operations
  memhp fuzz --walk --minutes 10          a random walk on all cores, ten times as fast
  memhp fuzz --target mymodule:MyMemory   a class of your own (see memhp.reference.Target)
  memhp fuzz --target m:C --profile linux-6.12   compare it with Linux's design
  memhp fuzz --target m:C --design mine.py       compare it with a design of your own
  memhp fuzz --walk --keep campaign.json  and once more, to go on where it stopped
  memhp fuzz --walk --steps 1000000 --shard 3/8      the third of eight parts of a campaign
  memhp fuzz --walk --minutes 60 --cluster tcp://HOST:8786    on many machines
  memhp fuzz --target kernel:x86_64-6.12  a real kernel of `memhp lab list`
  memhp fuzz --target kernel:./bzImage    a kernel of your own

columns: operation; done, how often it was drawn; succeeded, how often it was not refused; refused
  with, the errnos, and how often each came
columns of --list: operation; parameters, of which sort, or from which values they are drawn
columns of --depth: sometimes, what must stay possible; episodes, in how many it was reached; no
  operation took, the actions that it needs and nobody took

A class runs in a process of its own: what it prints goes to standard error, and if it ends, is
killed, or does not answer within --limit, that is a divergence.  What diverges is shrunk and
written to a file that `memhp replay` runs again; what does not answer is not shrunk.  A campaign
that is stopped by Ctrl-C is kept, in campaign.json if there is no --keep; with --keep it is kept
all the time.

A campaign consists of pieces, by number: each has its machine, and is drawn from the seed and its
number.  One whose process is killed is done again; if it ends its process each time, that is told,
with the command that does it again, and the exit code is 3, unless something diverges.
"""


_STEPS = 20_000
"""So many operations are done unless somebody says otherwise."""
_MOST = 16 << 20
"""A campaign is no larger, in bytes."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "fuzz",
        help="compare an implementation with the reference, operation by operation",
        description="Draws operations that the reference allows, and some that it refuses, does"
        " them on a target too, and compares answers and states after each.",
        epilog=_EPILOG,
    )
    _add_target(parser)
    parser.add_argument(
        "--walk", action="store_true", help="a bare random walk, without hypothesis"
    )
    parser.add_argument(
        "--list", action="store_true", help="only show the operations with their parameters"
    )
    parser.add_argument(
        "--steps", type=at_least_one, metavar="N", help="operations to do, about (20000)"
    )
    parser.add_argument("--minutes", type=_minutes, metavar="N", help="instead: for so long")
    add_limit(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what to draw (0)")
    parser.add_argument("--jobs", type=at_least_one, metavar="N", help="processes (all cores)")
    add_cluster(parser, "pieces of a campaign")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="go on with the campaign in FILE, and keep it"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where a divergence is written (divergence.json, or the next that is free)",
    )
    add_html(parser, "of a divergence, write a page as well: one file, which loads nothing")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--ktap", action="store_true", help="of a kernel: KTAP, for kernel CI")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="also walk with the target, and list the sometimes properties that this reaches;"
        " the traceback, if it fails",
    )
    parser.set_defaults(run=run)


def _add_target(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is compared with what."""
    parser.add_argument(
        "--target",
        default="engine",
        metavar="NAME",
        help="engine (default), module:Class, or kernel:NAME",
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="whose design to compare with: list-2004, which the engine follows, or Linux's, such"
        " as linux-6.12 (default: what the class's attribute profile says, else list-2004; a kernel"
        " is always compared with that of its own version)",
    )
    add_design(parser)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of minutes")
    return minutes


def run(args: argparse.Namespace) -> int:
    """Run a campaign; the exit code is 1 if the target leaves the specification."""
    if args.list:
        show_list()
        return 0
    if args.ktap and not args.target.startswith("kernel:"):
        return fail("fuzz", UsageError("--ktap goes with --target kernel:NAME"))
    if args.target.startswith("kernel:"):
        from .kernel_target import fuzz

        if args.design:
            return fail("fuzz", UsageError("a kernel is compared with Linux's design: no --design"))
        return fuzz(args)
    from memhp.checks.fuzz.campaign import CampaignError
    from memhp.checks.fuzz.targets import TargetError
    from memhp.checks.proof.cache import default_folder

    args.out = args.out or free_path(Path("divergence.json"))
    try:
        for path in (args.out, args.keep, args.html):
            _try_place(path)
        if (design := design_in(args)) and args.profile:
            raise UsageError("a design says itself with which profile it begins: no --profile")
        profile, asked = _first_look(args, design)
        campaign = _campaign(args, profile, design, asked.machines)
    except (CampaignError, TargetError, UsageError) as error:
        return fail("fuzz", error)
    folder = default_folder() or Path(os.devnull)
    # What hypothesis keeps for itself is a cache, and nothing to leave where somebody works.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(folder / "hypothesis"))
    return _carry_out(campaign, args, [rule.name for rule in asked.rules])


def _carry_out(campaign: Campaign, args: argparse.Namespace, rules: list[str]) -> int:
    """Run the campaign, keep it and show how it went; returns the exit code."""
    from memhp.checks.fuzz.campaign import WorkersLost
    from memhp.checks.fuzz.targets import TargetError
    from memhp.checks.support.cluster import ClusterError
    from memhp.checks.support.verdicts import Verdict

    started = monotonic()
    failed = stopped = 0
    try:
        stopped = _go_on(campaign, args, len(rules))
    except (TargetError, UsageError, ClusterError, WorkersLost) as error:
        failed = fail("fuzz", error)
        lost = isinstance(error, WorkersLost) or (
            isinstance(error, ClusterError) and campaign.steps
        )
        failed = Verdict.undetermined.exit_code if lost else failed
    if campaign.record and args.html:
        report = campaign.record.report.splitlines()
        try:
            write_divergence(args.html, campaign.system, campaign.record, report)
        except UsageError as error:
            failed = fail("fuzz", error)
    keep = args.keep or (free_path(Path("campaign.json")) if stopped else None)
    try:
        _keep(campaign, keep)
    except UsageError as error:
        failed = fail("fuzz", error)
    deep = args.verbose and not (campaign.record or stopped or failed)
    depth = _depth(args, campaign.system) if deep else None
    if args.json:
        print(json.dumps(document(campaign, rules, args.out, depth), indent=1))
    elif campaign.steps or campaign.record or not failed:
        show(campaign, rules, args.out, seconds=monotonic() - started, full=args.verbose)
        if depth:
            show_depth(depth)
    if stopped and keep:
        print(f"stopped; to go on: {_again(campaign, keep, args)}", file=sys.stderr)
    for number, why in campaign.deadly.items():
        print(f"piece {number}: {why}; again: {_piece(campaign, number, args)}", file=sys.stderr)
    if campaign.record:
        return Verdict.refuted.exit_code
    undetermined = Verdict.undetermined.exit_code if campaign.deadly else 0
    return failed or stopped or undetermined or Verdict.holds.exit_code


def _first_look(args: argparse.Namespace, design: DesignFile | None) -> tuple[str, Plan]:
    """The profile or design to compare with, and what is drawn on which machines.

    Raises:
        TargetError: there is no such target, or it cannot be used.
        UsageError: there is no such profile.
    """
    from memhp.checks.fuzz.plan import plan
    from memhp.checks.fuzz.targets import profile_of, target_named
    from memhp.spec.profiles import system_of

    if design is not None:
        target = target_named(args.target, design.own.system, limit=args.limit)
        return design.name, plan(target, design.own.system)
    target = target_named(args.target, limit=args.limit)
    profile = find_profile(args.profile or profile_of(target)).name
    return profile, plan(target, system_of(profile))


def _try_place(path: Path | None) -> None:
    """Before the work begins, see that a file can be made in that place.

    Raises:
        UsageError: none can.
    """
    if path is None or (path.exists() and not (path.is_file() or path.is_dir())):
        return
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; give another place") from None


def _keep(campaign: Campaign, keep: Path | None) -> None:
    if keep:
        write_json(keep, campaign.to_json())


def _campaign(
    args: argparse.Namespace,
    profile: str,
    design: DesignFile | None,
    machines: Mapping[str, Topology],
) -> Campaign:
    from memhp.checks.fuzz.campaign import Campaign, CampaignError
    from memhp.checks.support.files import json_of, read_whole

    mode = "walk" if args.walk else "hypothesis"
    if not (args.keep and args.keep.exists()):
        own = design.own.system if design else None
        seed = args.seed
        campaign = Campaign(mode, args.target, seed, shard=args.shard, profile=profile)
        campaign.own, campaign.machines = own, machines
        return campaign
    mine = (design.name, design.own.system) if design else None
    try:
        kept = json_of(read_whole(args.keep, _MOST, regular=True))
        campaign = Campaign.from_json(kept, mine, machines)
    except OSError as error:
        raise UsageError(f"cannot read {args.keep}: {error.strerror}") from None
    except CampaignError as error:
        raise UsageError(f"{args.keep}: {error}") from None
    except ValueError as error:
        raise UsageError(
            f"{args.keep} is no campaign: it cannot be read as JSON: {error}"
        ) from None
    options = (mode, args.target, args.seed, profile, args.shard)
    it = campaign
    if (it.mode, it.target, it.seed, it.profile, it.shard) != options:
        shard = f", shard {it.shard[0]}/{it.shard[1]}" if it.shard != (1, 1) else ""
        raise UsageError(
            f"{args.keep} is another campaign: {it.mode} of {it.target[:100]}, seed {it.seed},"
            f" compared with {it.profile}{shard}"
        )
    return campaign


def _again(campaign: Campaign, keep: Path, args: argparse.Namespace) -> str:
    """The command that goes on with a campaign."""
    shard = ["--shard", "/".join(map(str, args.shard))] if args.shard != (1, 1) else []
    return shlex.join([*_words(campaign, args), *shard, "--keep", str(keep)])


def _piece(campaign: Campaign, number: int, args: argparse.Namespace) -> str:
    """The command that begins with the piece of that number, as large as it was."""
    of = number + 1
    amount = ["--minutes", "1"] if args.minutes else ["--steps", str(args.steps or _STEPS)]
    return shlex.join([*_words(campaign, args), *amount, "--shard", f"{of}/{of}", "--jobs", "1"])


def _words(campaign: Campaign, args: argparse.Namespace) -> list[str]:
    """What a command must say for the same campaign."""
    walk = ["--walk"] if campaign.mode == "walk" else []
    design = ["--profile", args.profile] if args.profile else []
    design += ["--design", str(args.design)] if args.design else []
    what = ["--target", campaign.target, *design, "--seed", str(campaign.seed)]
    return ["memhp", "fuzz", *walk, *what]


def _go_on(campaign: Campaign, args: argparse.Namespace, rules: int) -> int:
    """Run the pieces of a campaign, and keep what is found as it is found.

    Returns:
        the exit code if somebody stopped it, by Ctrl-C or a signal that ends processes; else 0.

    Raises:
        TargetError, WorkersLost, ClusterError: as `campaign.run`.
        UsageError: the campaign cannot be kept.
    """
    from memhp.checks.fuzz.campaign import run as pieces

    started, before = monotonic(), campaign.steps
    shown = not (args.quiet or args.json) and sys.stderr.isatty()
    steps = None if args.minutes else args.steps or _STEPS
    seconds = args.minutes * 60 if args.minutes else None
    jobs = args.jobs or os.cpu_count() or 1
    try:
        work = pieces(
            campaign,
            steps=steps,
            seconds=seconds,
            jobs=jobs,
            limit=args.limit,
            cluster=args.cluster,
        )
        for _ in work:
            if campaign.record:
                write_json(args.out, campaign.record.to_json())
            _keep(campaign, args.keep)
            if shown:
                rate = (campaign.steps - before) / max(monotonic() - started, 1e-9)
                hit = f"{len(by_name(campaign))} of {rules} rules"
                show_progress(f"{campaign.steps:,} operations, {rate:,.0f} a second, {hit}")
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        show_progress()
    return 0


def _depth(args: argparse.Namespace, system: System) -> Reached:
    from memhp.checks.fuzz.reached import reached
    from memhp.checks.fuzz.targets import target_named

    target = target_named(args.target, system, limit=args.limit)
    return reached(system, target, steps=args.steps or _STEPS, seed=args.seed)
