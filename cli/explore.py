"""`memhp explore`: every reachable state of a small machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from memhp.checks.support.workers import Lost

from .arguments import add_cluster, at_least_one, bytes_in, file_name, processes
from .designs import add_design, design_or_variant
from .files import NOBODY_READS, fail, write_file
from .names import choose, properties_named
from .output.streams import UsageError, one_line, show_progress
from .output.terminal import nobody_reads
from .systems import add_system

if TYPE_CHECKING:
    from memhp.checks.explore.results import Exploration, Progress
    from memhp.reference.shapes import AnyShape
    from memhp.spec.language import Property, System

_EPILOG = """examples:
  memhp explore                               the whole specification, one block
  memhp explore --scope block=2 --depth 12
  memhp explore --scope block=4,frame=8 --actions blocks,frames --count --slice --symmetry
  memhp explore --scope block=2 --variant pgdat-goes-early --actions sections,firmware
  memhp explore --design mine.py --scope block=2 --depth 8
  memhp explore --system lock_service.py --scope client=2,server=1
  memhp explore --scope block=2 --machine 1 --actions blocks --count --promela blocks.pml
  memhp explore --system last_block.py --dot states.dot      then: dot -Tsvg states.dot

columns: first at, the fewest steps from boot to a state that shows it; sometimes, what must stay
  possible (memhp explain NAME)

Ctrl-C ends the search and shows what it has covered.

exit codes: 0 holds (as far as the machine or --depth goes), 1 refuted, 2 usage,
3 undetermined (memory ran out, or a sometimes that --only names was not reached),
130 interrupted
"""

_MOST_DRAWN = 2_000
"""No more states are drawn: nobody can look at more."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "explore",
        help="see every reachable state of a small machine",
        description="Searches every reachable state of machines of one size, from boot:"
        " how many there are, which property breaks, and what is ever reached.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--scope",
        metavar="S",
        help="machines of a size (default: block=1, or two of each sort of --system)",
    )
    parser.add_argument("--machine", type=at_least_one, metavar="N", help="only the Nth of them")
    parser.add_argument("--actions", metavar="A,B", help="only these actions, or modules")
    parser.add_argument("--only", metavar="NAME", action="append", help="a property or a row")
    parser.add_argument(
        "--count", action="store_true", help="count states and transitions, decide no property"
    )
    parser.add_argument(
        "--symmetry",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="keep one state of all that differ only in elements that nothing tells apart",
    )
    parser.add_argument(
        "--slice", action="store_true", help="leave out what no guard and no property depends on"
    )
    _add_models(parser)
    parser.add_argument("--profile", default="list-2004", help="whose choices")
    parser.add_argument("--variant", metavar="V", help="a wrong design")
    add_design(parser)
    add_system(parser)
    parser.add_argument("--depth", type=at_least_one, help="steps from boot")
    parser.add_argument("--memory", type=_bytes, default="2G", help="bound (default: %(default)s)")
    parser.add_argument(
        "--jobs", type=processes, help="threads (default: all cores; on a cluster, one a machine)"
    )
    add_cluster(parser, "machines")
    parser.add_argument(
        "--continue", dest="go_on", action="store_true", help="go on after a violation"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--all", action="store_true", help="name what is not reached, too")
    parser.add_argument("-q", "--quiet", action="store_true", help="the summary only")
    parser.set_defaults(run=run)


def _add_models(parser: argparse.ArgumentParser) -> None:
    """Add the options that write the machine's model instead of searching it."""
    parser.add_argument(
        "--promela", type=file_name, metavar="FILE", help="write the model for Spin, do not search"
    )
    parser.add_argument(
        "--dot", type=file_name, metavar="FILE", help="write states and steps for Graphviz instead"
    )


def _bytes(text: str) -> int:
    """An amount of memory such as ``900M``."""
    amount = bytes_in(text.upper())
    if not amount:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not an amount of memory such as 900M or 4G"
        )
    return amount


def run(args: argparse.Namespace) -> int:
    """Search; the exit code is that of the verdict."""
    from memhp.checks.search.scopes import ScopeError
    from memhp.checks.support.compiler import NativeError, NoMemory

    try:
        return _explore(args)
    except (UsageError, ScopeError) as error:
        return fail("explore", error)
    except NativeError as error:
        fail("explore", error)
        return 3 if isinstance(error, NoMemory) else 4


def _explore(args: argparse.Namespace) -> int:
    from .output.explored import as_json, show, verdict

    whole, system, claims = _question(args)
    shapes = _shapes(args, system)
    if args.promela:
        return _export(args, system, claims, shapes)
    if args.dot:
        return _draw(args, system, claims, shapes)
    _say_if_slow(args)
    explorations: list[Exploration] = []
    searched: list[AnyShape] = []
    lost = False
    for number, result in _results(args, system, shapes, claims):
        shape = shapes[number - 1]
        if isinstance(result, Lost):
            again = f"again: --machine {number} of the same"
            print(f"memhp explore: machine {number}: {result.why}; {again}", file=sys.stderr)
            lost = True
            continue
        explorations.append(result)
        searched.append(shape)
        if not args.json:
            every = args.all or bool(args.only)
            show(whole, result, shape, number, len(shapes), quiet=args.quiet, every=every)
            if number < len(shapes) and nobody_reads():
                return NOBODY_READS
        if result.end == "interrupted":
            break
    if not explorations:
        return 3
    if args.json:
        print(json.dumps(as_json(system, explorations, searched, args.only), indent=1))
    if explorations[-1].end == "interrupted":
        return 130
    code = verdict(explorations, bool(args.only)).exit_code
    return code or (3 if lost else 0)


def _results(
    args: argparse.Namespace, system: System, shapes: list[AnyShape], claims: list[Property]
) -> Iterator[tuple[int, Exploration | Lost]]:
    """What each machine of the shard shows, with its number, in their order.

    Raises:
        UsageError: there is no such cluster, or it has gone.
    """
    from memhp.checks.support.cluster import ClusterError, pool
    from memhp.checks.support.workers import all_of

    first, every = args.shard
    numbers = range(first, len(shapes) + 1, every)
    if not numbers:
        raise UsageError(f"--shard {first}/{every}: there are {len(shapes)} machines")
    if args.cluster is None:
        for number in numbers:
            said = f"machine {number} of {len(shapes)}: "
            yield number, _one(args, system, shapes[number - 1], claims, said)
        return
    options = (args.depth, not args.go_on, args.symmetry, args.memory, args.jobs or 1)
    pieces = [(system, shapes[number - 1], claims, *options) for number in numbers]
    results: dict[int, Exploration | Lost] = {}
    try:
        with pool(args.cluster, os.cpu_count() or 1, explored) as workers:
            for at, result in all_of(workers, pieces):
                results[numbers[at]] = result
    except ClusterError as error:
        raise UsageError(str(error)) from None
    yield from sorted(results.items())


def explored(
    system: System,
    shape: AnyShape,
    claims: list[Property],
    depth: int | None,
    stop: bool,
    symmetry: bool,
    memory: int,
    threads: int,
) -> Exploration:
    """What `explore` shows of one machine, on a worker of a cluster; its options by their places.

    Args:
        system: the specification.
        shape: the machine.
        claims: the properties to decide.
        depth: the steps to go at most.
        stop: end with the layer in which a property is violated.
        symmetry: keep one state of all that differ only in elements that nothing tells apart.
        memory: bytes after which the search ends.
        threads: how many search.
    """
    from memhp.checks.explore.run import Means, explore

    means, topology = Means(memory, threads), shape.build(system)
    return explore(system, topology, claims, depth=depth, stop=stop, symmetry=symmetry, means=means)


def _say_if_slow(args: argparse.Namespace) -> None:
    from memhp.checks.support.compiler import why_no_compiler

    why = why_no_compiler()
    if why and not args.json:
        print(one_line(f"{why}: searching with the reference, slowly"), file=sys.stderr)


def _question(args: argparse.Namespace) -> tuple[System, System, list[Property]]:
    """The specification, what of it is searched, and the properties to decide."""
    from memhp.checks.ground.parts import sliced

    whole, system = _systems(args)
    claims = _claims(args, system)
    return whole, sliced(system, claims) if args.slice else system, claims


def _export(
    args: argparse.Namespace, system: System, claims: list[Property], shapes: list[AnyShape]
) -> int:
    from memhp.checks.explore.run import spin_model

    if len(shapes) > 1:
        raise UsageError(f"--promela writes one machine of {len(shapes)}; choose it with --machine")
    if args.symmetry or claims:
        raise UsageError("--promela goes with --count and without --symmetry: Spin counts states")
    write_file(args.promela, spin_model(system, shapes[0].build(system)))
    return 0


def _draw(
    args: argparse.Namespace, system: System, claims: list[Property], shapes: list[AnyShape]
) -> int:
    from memhp.checks.explore.dot import dot
    from memhp.reference import Machine, graph

    if len(shapes) > 1:
        raise UsageError(f"--dot draws one machine of {len(shapes)}; choose it with --machine")
    if args.symmetry or args.promela:
        raise UsageError("--dot goes without --symmetry and --promela: it draws each state")
    machine = Machine(system, shapes[0].build(system))
    try:
        states = graph(machine, args.depth or _MOST_DRAWN, most=_MOST_DRAWN)
    except ValueError as error:
        raise UsageError(f"--dot: {error}") from None
    write_file(args.dot, dot(states, claims))
    print(one_line(f"{args.dot}: {len(states):,} states, {states.number_of_edges():,} steps"))
    return 0


def _systems(args: argparse.Namespace) -> tuple[System, System]:
    """The specification, and what is left of it with the chosen actions."""
    from memhp.checks.ground.parts import restricted

    whole = design_or_variant(args)
    if args.actions is None:
        return whole, whole
    choices = [name for action in whole.actions for name in (action.name, action.module)]
    names = {choose("action or module", name.strip(), choices) for name in args.actions.split(",")}
    return whole, restricted(whole, names)


def _claims(args: argparse.Namespace, system: System) -> list[Property]:
    if args.count and args.only:
        raise UsageError("--count decides no property; leave --only out")
    only = None if args.only is None else properties_named(args.only, system)
    return [
        claim
        for claim in system.properties
        if not args.count and (only is None or claim.name in only)
    ]


def _shapes(args: argparse.Namespace, system: System) -> list[AnyShape]:
    from memhp.checks.search.scopes import machines, scope_of_two

    ordinary = "block=1" if args.system is None else scope_of_two(system)
    scope = ordinary if args.scope is None else args.scope
    shapes = list(machines(system, scope))
    if args.machine is None:
        return shapes
    if args.machine > len(shapes):
        raise UsageError(f"--machine {args.machine}: scope {scope} has {len(shapes)}")
    return [shapes[args.machine - 1]]


def _one(
    args: argparse.Namespace, system: System, shape: AnyShape, claims: list[Property], what: str
) -> Exploration:
    from memhp.checks.explore.run import Means, explore

    def progress(at: Progress) -> None:
        if not args.quiet:
            rate = at.states / max(at.seconds, 0.001) / 1e6
            doing = at.doing or f"{rate:.1f} million states a second"
            reached = f"{what}depth {at.depth}, {at.states:,} states"
            text = f"{reached}, {at.transitions:,} transitions, {doing}"
            if sys.stderr.isatty():
                show_progress(text)
            else:  # a log has a line each second
                print(text, file=sys.stderr, flush=True)

    try:
        return explore(
            system,
            shape.build(system),
            claims,
            depth=args.depth,
            stop=not args.go_on,
            symmetry=args.symmetry,
            means=Means(args.memory, args.jobs),
            progress=progress,
        )
    finally:
        show_progress()
