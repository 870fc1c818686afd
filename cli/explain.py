"""`memhp explain`: everything that has a name, in words and in logic."""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .designs import add_design, design_in
from .files import fail
from .names import choose
from .output.streams import UsageError
from .output.terminal import console, tell
from .systems import add_system, system_from

if TYPE_CHECKING:
    from .index.entry import Entry, Subject

_EPILOG = """examples:
  memhp explain                      the kinds of names, and how many there are of each
  memhp explain --kind variable      all of one kind, each with a sentence
  memhp explain N2                   a row: its properties and wrong designs
  memhp explain begin_offline        an action: guards, updates, cures, what it costs
  memhp explain begin_offline.no_holes
  memhp explain block_state          a variable: who writes it, who reads it
  memhp explain offline_pages        a function of Linux: who cites it, and what it refuses
  memhp explain EBUSY                which guards answer so
  memhp explain undetermined         a word of the output

columns without a name: kind; names, how many; what they are

exit codes: 0, 2 nothing has that name
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "explain",
        help="whatever has a name: an action, a property, a row, a function of Linux, an errno",
        description="Explains whatever memhp names, in words and in logic; without a name, lists"
        " what there is. Names are taken in any case.",
        epilog=_EPILOG,
    )
    parser.add_argument("name", nargs="?")
    parser.add_argument("--kind", metavar="KIND", help="only of this kind; without a name, all")
    add_design(parser)
    add_system(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the explanation; the exit code is 2 if nothing has that name."""
    try:
        explain(args, _subject(args))
    except UsageError as error:
        return fail("explain", error)
    return 0


def _subject(args: argparse.Namespace) -> Subject:
    """What is explained: memhp's own specification, a design on it, or a system of one's own.

    Raises:
        UsageError: there is a mistake in the file that is named.
    """
    from memhp.spec.system import SYSTEM
    from memhp.spec.variants import VARIANTS

    from .index.entry import Subject

    if own := system_from(args):
        return Subject(own.system, tuple(own.variants.values()), of_hotplug=False)
    design = design_in(args)
    return Subject(design.own.system if design else SYSTEM, VARIANTS)


def explain(args: argparse.Namespace, subject: Subject) -> None:
    """Print what the arguments ask for.

    Raises:
        UsageError: nothing has that name, or there is no such kind.
    """
    from .index.entries import KINDS, entries, named

    every = entries(subject)
    if args.kind is not None:
        kind = choose("kind", args.kind, KINDS)
        every = [entry for entry in every if entry.kind == kind]
    if args.name is None:
        _list(args, every)
        return
    if not (found := named(args.name, every)):
        names = [name for entry in every for name in (entry.name, *entry.others)]
        choose("name", args.name, names, listed="memhp explain lists all")
    if args.json:
        _print_document(args.name, [entry.document() for entry in found])
        return
    for number, entry in enumerate(found):
        if number:
            print()
        tell(*entry.lines())


def _list(args: argparse.Namespace, every: list[Entry]) -> None:
    """All names of a kind with a sentence each, or the kinds."""
    from rich.table import Table

    from .index.entries import KINDS

    if args.json:
        listed = [{"kind": e.kind, "name": e.name, "sentence": e.sentence} for e in every]
        print(json.dumps({"schema": "memhp-names/1", "names": listed}, indent=1))
        return
    out = console()
    table = Table(box=None, pad_edge=False, show_header=args.kind is None)
    if args.kind is not None:
        for entry in every:
            tell(entry.name)
            if entry.sentence:
                tell(f"    {entry.sentence}")
        return
    for heading in ("kind", "names", "what they are"):
        table.add_column(heading, justify="right" if heading == "names" else "left")
    for kind, group in groupby(every, key=lambda entry: entry.kind):
        table.add_row(kind, str(len(list(group))), KINDS[kind])
    out.print(table)
    out.print("\nall of one kind: memhp explain --kind KIND; one of them: memhp explain NAME")


def _print_document(name: str, found: list[dict[str, Any]]) -> None:
    document = {"schema": "memhp-explain/1", "name": name, "explanations": found}
    print(json.dumps(document, indent=1))
