"""`memhp check`: prove everything, refute a variant, or search a scope."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .arguments import at_least_one, file_name, processes
from .design import answer, require_proof
from .designs import DEFAULT, add_design, chosen, design_in, load_design
from .files import fail, write_json
from .names import choose, find_variant, properties_named, system_of
from .output.rows import Rows
from .output.streams import UsageError, show_progress
from .output.terminal import tell
from .pages import add_html, write_check, write_variant
from .proofs import finish, kept_proofs, taker, verify_proofs
from .systems import add_system, changed, load_system, refuse_beside

if TYPE_CHECKING:
    from pathlib import Path

    from memhp.checks.run import Decision
    from memhp.spec.language import Profile, System

_EPILOG = """examples:
  memhp check --certify                       every proof confirmed by cvc5
  memhp check --proofs proofs/                and keep cvc5's proof of each obligation
  memhp check --verify-proofs proofs/         they are of this specification, none is missing
  memhp check --strengthen                    invariants that an unproved property lacks
  memhp check --profile linux-6.12            Linux's choices, and what they give up
  memhp check --variant object-rmap-alone --trace stale-pte.itf.json
  memhp check --design mine.py                a design of one's own: what it changes and breaks
  memhp check --system lock_service.py        a system of one's own, no memory hotplug
  memhp check --scope node=1,block=3,folio=2,pte=2 --depth 5
  memhp check --mutants --only begin_offline  what notices each small mistake in it
  memhp check --export obligations/           SMT-LIB 2 files for any solver

columns: row, proved and reached: how many of the row's properties are proved, and how many of what
  must stay possible a trace reaches; concern, what the row is about
columns with --all: property; rows, those that it is about; verdict; method, how it was found
  (memhp explain induction); s, seconds that it took, 0.00 where an earlier answer was taken
columns with --mutants: mutant, the mistake; noticed by, what tells it from the specification
  (memhp explain 'idle step'), and which property, trace or reason that is

exit codes: 0 everything is proved or holds, 1 something is refuted, 2 usage, 3 undetermined
"""

_BY_THE_TABLE = ("order", "errno")
"""Mistakes that only the table of refusals notices, which does not know a design of one's own."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "check",
        help="prove every property for machines of every size",
        description="Proves every property of the specification for machines of every size.",
        epilog=_EPILOG,
    )
    parser.add_argument("--only", metavar="NAME", action="append", help="a property or a row")
    parser.add_argument(
        "--profile", default="list-2004", help="whose choices (default: %(default)s)"
    )
    _add_other_questions(parser)
    parser.add_argument(
        "--strengthen",
        action="store_true",
        help="look for invariants with which what is not proved is, and print them as code",
    )
    _add_what_is_kept(parser)
    parser.add_argument("--no-cache", action="store_true", help="decide everything anew")
    parser.add_argument("--jobs", type=processes, help="processes (default: all cores)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--all", action="store_true", help="a line for every property")
    parser.add_argument("-q", "--quiet", action="store_true", help="the summary only")
    parser.set_defaults(run=run)


def _add_what_is_kept(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--certify", action="store_true", help="confirm every proof with cvc5")
    parser.add_argument(
        "--proofs", type=file_name, metavar="DIR", help="keep cvc5's proof of each obligation"
    )
    parser.add_argument(
        "--verify-proofs",
        type=file_name,
        metavar="DIR",
        help="hold kept proofs against this specification",
    )
    parser.add_argument(
        "--export", type=file_name, metavar="DIR", help="write the obligations, SMT-LIB 2"
    )


def _add_other_questions(parser: argparse.ArgumentParser) -> None:
    """Add the options that ask for something else than a proof of memhp's own designs."""
    parser.add_argument("--variant", metavar="V", help="refute a wrong design instead")
    add_design(parser)
    add_system(parser)
    parser.add_argument(
        "--trace",
        type=file_name,
        metavar="FILE",
        help="with --variant, --design, --system: the trace",
    )
    add_html(parser)
    parser.add_argument("--scope", metavar="S", help="search machines of a size, do not prove")
    parser.add_argument("--depth", type=at_least_one, help="with --scope: steps from boot")
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="make each small mistake; --only names actions and definitions",
    )
    parser.add_argument(
        "--kind", metavar="KIND", action="append", help="with --mutants: a kind of mistake"
    )


def run(args: argparse.Namespace) -> int:
    """Run the check; the exit code is that of the verdict."""
    from memhp.checks.search.scopes import ScopeError

    try:
        _compatible(args)
        if args.variant is not None:
            return _variant(args)
        if args.mutants:
            return _mutants(args)
        if args.verify_proofs is not None:
            return _verify(args)
        if args.scope is not None:
            return _scope(args)
        if args.design is not None and not (args.export or args.certify or args.proofs):
            return answer(args, load_design(args.design))
        return _prove(args)
    except (UsageError, ScopeError) as error:
        return fail("check", error)


def _compatible(args: argparse.Namespace) -> None:
    scope, variant = args.scope is not None, args.variant is not None
    if args.depth and not scope:
        raise UsageError("--depth goes with --scope")
    if args.trace and not (variant or args.design or args.system):
        raise UsageError("--trace goes with --variant, --design or --system")
    if args.design and variant:
        raise UsageError("--design is checked as it is: leave --variant out")
    if args.system:
        for option in ("design", "profile", "mutants"):
            refuse_beside(args, option)
    if args.design and args.profile != DEFAULT:
        raise UsageError("a design says itself with which profile it begins: leave --profile out")
    proofs = args.proofs is not None or args.verify_proofs is not None
    if scope and (variant or args.certify or args.export or proofs):
        raise UsageError(
            "--scope searches; it goes with none of --variant, --certify, --export, --proofs"
        )
    others = scope or variant or args.certify or args.export or proofs or args.html
    if args.mutants and (others or args.profile != "list-2004"):
        raise UsageError("--mutants goes with --only, --kind, --jobs, --no-cache, --json, --quiet")
    if args.kind and not args.mutants:
        raise UsageError("--kind goes with --mutants")
    decides = variant or args.certify or args.export or args.proofs is not None
    shown = args.json or args.all or args.no_cache or args.jobs or args.html
    if args.verify_proofs is not None and (decides or shown):
        raise UsageError("--verify-proofs goes with --profile, --only and --quiet alone")
    if args.strengthen and (scope or variant or args.mutants or args.verify_proofs is not None):
        raise UsageError(
            "--strengthen goes with none of --scope, --variant, --mutants, --verify-proofs"
        )
    if variant and (proofs or args.certify or args.export):
        raise UsageError("--variant refutes; it goes with none of --certify, --export, --proofs")
    if variant and args.only:
        raise UsageError("--variant names its own property; leave --only out")


def _prove(args: argparse.Namespace) -> int:
    from memhp.checks.designs.systems import by_runs
    from memhp.checks.proof.cache import default_folder
    from memhp.checks.proof.prove import export
    from memhp.checks.run import check

    profile, system = chosen(args)
    only = _only(args, system)
    # Somebody else may have written the cache: a certificate is no hearsay.
    certify = args.certify or args.proofs is not None
    folder = None if args.no_cache or certify else default_folder()
    started = perf_counter()
    if args.export:
        try:
            count = export(system, args.export, only=only, jobs=args.jobs, cache=folder)
        except OSError as error:
            raise UsageError(f"cannot write to {args.export}: {error.strerror}") from None
        print(f"{count} obligations written to {args.export}", file=sys.stderr)
    shown = not (args.quiet or args.json or args.all or args.system)
    rows = Rows(system, only, shown=shown)
    rows.start()
    with kept_proofs(args.proofs) as proofs, _interruptible(rows, system, args.json, folder):
        decisions = check(
            system,
            profile,
            only=only,
            jobs=args.jobs,
            folder=folder,
            certify=certify,
            take=taker(proofs, args.proofs),
            listener=rows,
        )
        rows.finish()
        if proofs:
            finish(proofs, args.proofs, system, decisions)
    if args.system:
        decisions = by_runs(system, decisions)
        _keep_trace(args, system, decisions)
    return _report(args, system, profile, decisions, perf_counter() - started, folder)


def _keep_trace(args: argparse.Namespace, system: System, decisions: list[Decision]) -> None:
    """Write the trace of the first property that is refuted, if that is asked for."""
    if args.trace:
        traces = (d.trace for d in decisions if d.trace and d.verdict.value == "refuted")
        if (trace := next(traces, None)) is None:
            raise UsageError(f"nothing breaks: there is no trace to write to {args.trace}")
        write_json(args.trace, trace.trace(system).to_itf(system))


def _verify(args: argparse.Namespace) -> int:
    profile, system = chosen(args)
    return verify_proofs(args.verify_proofs, system, profile, _only(args, system))


def _only(args: argparse.Namespace, system: System) -> set[str] | None:
    """The properties that ``--only`` names, directly or by their row."""
    return None if args.only is None else properties_named(args.only, system)


@contextmanager
def _interruptible(
    rows: Rows, system: System, as_document: bool, folder: Path | None
) -> Iterator[None]:
    """An interrupt is answered by what was decided before, but for who reads a document."""
    from .output.traces import show_failures

    try:
        yield
    except KeyboardInterrupt:
        rows.interrupt()
        if not as_document:
            show_failures(system, list(rows.decisions.values()))
            where = f"what was found is kept in {folder}" if folder else "nothing is kept"
            print(f"{len(rows.decisions)} of {rows.total} properties decided; {where}")
        raise


def _scope(args: argparse.Namespace) -> int:
    from memhp.checks.run import search_scope
    from memhp.checks.search.scopes import machines, scope_text

    profile, system = chosen(args)
    shapes = machines(system, args.scope)
    only = _only(args, system)
    if only is not None and all(system.property_by_name[n].kind == "ends" for n in only):
        raise UsageError("--scope searches for no run that never ends: --only names nothing else")
    started = perf_counter()

    def progress(at: Any) -> None:
        if not args.quiet:
            show_progress(f"depth {at.depth}: {at.states} states")

    decisions, result = search_scope(system, shapes, only=only, depth=args.depth, progress=progress)
    show_progress()
    if not args.json:
        tell(f"{len(shapes)} machines with {scope_text(shapes[0])}:")
        reached = "every reachable state" if result.complete else f"to depth {result.depth}"
        print(f"{result.states} states, {result.transitions} transitions, {reached}")
    return _report(args, system, profile, decisions, perf_counter() - started)


def _variant(args: argparse.Namespace) -> int:
    from memhp.checks.search.usual import first_violation

    from .output.traces import show_trace

    if args.system is None:
        variant = find_variant(args.variant)
        system = system_of([variant])
    else:
        own = load_system(args.system)
        system = changed(own, args.variant)
        variant = own.variants[args.variant]
    trace = first_violation(system, variant.breaks, variant=variant.name)
    if trace is None:
        print(f"{variant.name}: no violation of {variant.breaks} found", file=sys.stderr)
        return 3
    if args.trace:
        write_json(args.trace, trace.trace(system).to_itf(system))
    if args.html:
        write_variant(args.html, variant, system, trace)
    if args.json:
        document = {
            "schema": "memhp-variant/1",
            "variant": variant.name,
            "property": variant.breaks,
            "verdict": "refuted",
            "trace": trace.trace(system).to_itf(system),
        }
        print(json.dumps(document, indent=1))
    else:
        show_trace(variant, system, trace, quiet=args.quiet)
    return 1


def _mutants(args: argparse.Namespace) -> int:
    from memhp.checks.designs.differences import touched
    from memhp.checks.mutants.judge import Judge, Judgement, judge_all, unused
    from memhp.checks.mutants.mutations import KINDS, mutants
    from memhp.checks.proof.cache import default_folder
    from memhp.spec.mutants import MAY_REPEAT, REASONS

    from .mutants import as_json, show_mutants

    folder = None if args.no_cache else default_folder()
    design = design_in(args)
    system = design.own.system if design else system_of([])
    named = [*system.action_by_name, *system.definitions]
    asked = [choose("action or definition", name, named) for name in args.only or ()]
    there = [kind for kind in KINDS if design is None or kind not in _BY_THE_TABLE]
    kind = "kind of mistake in a design" if design else "kind"
    kinds = [choose(kind, name, there) for name in args.kind or ()] or there
    if design:
        require_proof(design, folder, args.jobs)
    only = asked or (touched(design.own.base, system) if design else None)
    total = len(mutants(system, only, kinds))
    judgements: list[Judgement] = []
    judge = Judge(system, REASONS, MAY_REPEAT, folder, alone=design is not None)
    try:
        for judgement in judge_all(judge, only, kinds, args.jobs):
            judgements.append(judgement)
            if not args.quiet:
                show_progress(f"{len(judgements)} of {total} mutants")
    except KeyboardInterrupt:
        show_progress()
        show_mutants(judgements, [], quiet=args.quiet)
        raise
    show_progress()
    whole = not only and not args.kind
    idle = unused(REASONS, judgements) if whole else []
    if args.json:
        print(json.dumps(as_json(judgements, idle), indent=1))
    else:
        show_mutants(judgements, idle, quiet=args.quiet)
    return 0 if all(judgement.accounted for judgement in judgements) and not idle else 1


def _report(
    args: argparse.Namespace,
    system: System,
    profile: Profile,
    decisions: list[Decision],
    seconds: float,
    folder: Path | None = None,
) -> int:
    from memhp.checks.run import overall

    from .output.traces import as_json, show_decisions, summary_line
    from .strengthen import as_document, found_for, lines

    if args.html:
        title = f"{system.name}: what is {'searched' if args.scope else 'proved'}, what is reached"
        write_check(args.html, system, decisions, summary_line(decisions), title)
    if args.json:
        document = as_json(system, profile, decisions, seconds)
        if args.strengthen:
            found = found_for(system, profile, decisions, jobs=args.jobs, folder=folder)
            document["strengthening"] = as_document(found)
        print(json.dumps(document, indent=1))
    else:
        show_decisions(
            system,
            decisions,
            seconds,
            jobs=1 if args.scope else args.jobs or os.cpu_count() or 1,
            table=not args.quiet and bool(args.all or args.scope is not None or args.system),
        )
        if args.strengthen:
            show_progress("looking for invariants")
            found = found_for(system, profile, decisions, jobs=args.jobs, folder=folder)
            show_progress()
            print("\n".join(lines(found)))
        elif args.system and overall(decisions).value == "undetermined" and args.scope is None:
            print("what is undetermined no run of a small machine decides; --strengthen looks for")
            print("invariants that a proof lacks, --scope at larger machines")
    return overall(decisions).exit_code
