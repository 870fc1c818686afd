"""`memhp book`: the specification as a site of static files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from .arguments import file_name
from .files import fail, write_file
from .names import system_of
from .output.streams import UsageError, show_progress

if TYPE_CHECKING:
    from memhp.pages.diagram import Diagram, Taken
    from memhp.spec.language import System

_STATES = 100
"""So many states of each small machine are looked at for the diagrams."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "book",
        help="write the specification as a site: each rule, claim and wrong design has an address",
        description="Writes a folder of HTML files that any host serves, or a browser opens: a"
        " page for each module, the wrong designs with their shortest runs, the functions of Linux"
        " that rules cite, errnos.  Names are linked; the index finds them.",
    )
    parser.add_argument("directory", type=file_name, metavar="DIR", help="made if it is not there")
    parser.add_argument(
        "--no-runs", action="store_true", help="without the runs of wrong designs: seconds"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the site."""
    from memhp.pages.book import Book
    from memhp.spec.variants import VARIANTS

    from .index.entries import KINDS, entries
    from .index.entry import Subject

    system = system_of([])
    every = entries(Subject(system, tuple(VARIANTS)))
    runs = {} if args.no_runs else dict(_runs())
    show_progress("diagrams")
    book = Book(
        "memhp: memory hotplug, specified",
        [entry.document() for entry in every],
        KINDS,
        _diagrams(system),
        runs,
    )
    show_progress()
    count = 0
    try:
        for path, text in book.pages():
            target = args.directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, text)
            count += 1
    except OSError as error:
        return fail("book", UsageError(f"cannot write {args.directory}: {error.strerror or error}"))
    except UsageError as error:
        return fail("book", error)
    print(f"{args.directory}: {count} files; begin with {args.directory / 'index.html'}")
    return 0


def _runs() -> Iterator[tuple[str, str]]:
    """The page of each wrong design's shortest run, by its name."""
    from memhp.checks.proof.cache import default_folder
    from memhp.checks.search.usual import first_violation
    from memhp.spec.variants import VARIANTS

    from .pages import variant_page

    for number, variant in enumerate(VARIANTS, 1):
        show_progress(f"run {number} of {len(VARIANTS)}")
        system = system_of([variant])
        if trace := first_violation(
            system, variant.breaks, folder=default_folder(), variant=variant.name
        ):
            yield variant.name, variant_page(variant, system, trace)


def _diagrams(system: System) -> dict[str, Diagram]:
    """State diagrams by variable: of steps on small machines, and of runs that `check` shows."""
    from memhp.checks.search.scopes import fitting
    from memhp.pages.diagram import Diagram, explored, transitions
    from memhp.reference.usual import USUAL

    machines = fitting(system, USUAL).values()
    values = {v.symbol.name: v.symbol.range.members or () for v in system.variables}
    tables = transitions(system, chain(explored(system, machines, _STATES), _shown(system)))
    return {name: Diagram(name, values[name], table) for name, table in tables.items()}


def _shown(system: System) -> Iterator[Taken]:
    """The steps of the shortest runs to what must be reached."""
    from memhp.checks.proof.cache import default_folder
    from memhp.checks.search.usual import reach

    traces, _ = reach(system, list(system.of_kind("sometimes")), folder=default_folder())
    for trace in traces.values():
        machines = trace.replay(system)
        for (action, _), before, after in zip(trace.steps, machines, machines[1:], strict=False):
            yield action, before, after
