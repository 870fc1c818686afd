"""`memhp design`: a file to begin a design of one's own with; and `memhp check --design`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .designs import DesignFile
from .files import fail, write_file, write_json
from .names import properties_named
from .output.streams import UsageError, show_progress
from .pages import write_design

if TYPE_CHECKING:
    from collections.abc import Collection

    from memhp.checks.run import Decision

_EPILOG = """examples:
  memhp design new mine                       writes mine.py, a design that changes one guard
  memhp check --design mine.py                what it changes, what breaks, what holds
  memhp explain --design mine.py NAME         one thing of it
"""

_BEGIN = '''"""NAME: say in one sentence what is different, and why somebody would want it.

What this file declares is added to the specification; what DESIGN lists is changed in it.
`memhp check --design NAME.py` says what comes of it. docs/what-if.md explains all of this.
"""

from errno import EBUSY

from memhp.spec.blocks.blocks import driver_reference
from memhp.spec.language import Bool, Design, ExtendAction, exists, guard, sometimes
from memhp.spec.machine.topology import Block, Frame, block_of

# Names: `memhp explain begin_offline` shows an action with its guards, and where it is declared.
# Sorts, variables, definitions, axioms, actions and properties of your own stand here, as in
# memhp/spec: a class below Sort, variable(…), @definition, @axiom, @action, @always().


def _asks_more(b: Block) -> None:
    """What begin_offline asks here, beside what it asks already."""
    guard(
        "no_driver_reference",
        ~exists(Frame, lambda f: (block_of(f) == b) & driver_reference[f]),
        errno=EBUSY,
        why="a driver has not let go of a frame of the block",
    )


@sometimes()
def a_driver_has_a_frame(f: Frame) -> Bool:
    """What this design is about is possible at all."""
    return driver_reference[f]


DESIGN = Design(
    edits=(
        ExtendAction("begin_offline", _asks_more),
        # DropGuard("begin_offline", "no_holes"),
        # ReplaceGuard("alloc_kernel", "outside_removable_area", a_function_of_its_parameters),
        # DropAction, DropProperty, DropUpdate, ReplaceUpdate, ReplaceInitial, ReplaceDefinition,
        # DropAxiom; MakeVariable(v): v, declared here, takes the place of a symbol of the topology.
    ),
    gives_up=(),  # (("property", "why it is not expected here"),)
    profile="list-2004",  # or linux-6.12
)
'''


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "design",
        help="begin a design of one's own: what if memory hotplug were otherwise?",
        description="Writes a file to begin a design of one's own with. docs/what-if.md walks"
        " through one; memhp/examples/designs has five.",
        epilog=_EPILOG,
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    new = parts.add_parser("new", help="write NAME.py, with comments, to begin with")
    new.add_argument("name", metavar="NAME", help="an identifier; the file is NAME.py, here")
    new.set_defaults(run=run_new)


def run_new(args: argparse.Namespace) -> int:
    """Write the file; the exit code is 2 if it is there already, or the name is none."""
    try:
        if not args.name.isidentifier():
            raise UsageError(f"{args.name!r} is no identifier, such as pgdat_moves")
        path = Path(f"{args.name}.py")
        if path.exists():
            raise UsageError(f"{path} is there already: take another name")
        write_file(path, _BEGIN.replace("NAME", args.name))
    except UsageError as error:
        return fail("design", error)
    print(f"{path} is written; memhp check --design {path} says what comes of it")
    return 0


def require_proof(design: DesignFile, folder: Path | None, jobs: int | None) -> None:
    """Return if all of the design is proved.

    Args:
        design: the design.
        folder: where answers of solvers are kept.
        jobs: processes; as many as there are cores by default.

    Raises:
        UsageError: something of it is not: nothing could be said of small mistakes in it.
    """
    from memhp.checks.run import check, overall

    own = design.own
    decisions = check(own.system, own.profile, jobs=jobs, folder=folder)
    if not overall(decisions).passes:
        raise UsageError(
            f"{design.path}: mistakes are judged in what is proved: memhp check --design"
            f" {design.path} says what is not"
        )


class _Progress:
    """Counts decisions, for a person who waits."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total, self._shown = total, shown
        self._seen: set[str] = set()

    def answers(self, number: int) -> None:
        """Nothing to show."""

    def looked(self, name: str) -> None:
        """Show that a property was looked at."""
        self._seen.add(name)
        if self._shown:
            show_progress(f"looked at {len(self._seen)} of {self._total} properties")

    def broken(self, names: Collection[str]) -> Collection[str]:
        """None is known to be."""
        return ()

    def decided(self, decision: Decision) -> None:
        """Show that a property is decided."""
        self.looked(decision.claim.name)


def answer(args: argparse.Namespace, design: DesignFile) -> int:
    """Print what comes of the design; the exit code is that of the verdict.

    Raises:
        UsageError: a name of ``--only`` is none, or the trace cannot be written.
    """
    from memhp.checks.designs.answer import answer as find_out
    from memhp.checks.proof.cache import default_folder

    from .output.designs import as_json, print_traces, show_answer
    from .strengthen import for_designs

    system = design.own.system
    only = None if args.only is None else properties_named(args.only, system)
    started = perf_counter()
    progress = _Progress(len(only or system.properties), shown=not (args.quiet or args.json))
    folder = None if args.no_cache else default_folder()
    found = find_out(
        design.own,
        only=only,
        folder=folder,
        jobs=args.jobs,
        listener=progress,
        suggest=for_designs(args.jobs, folder) if args.strengthen else None,
    )
    show_progress()
    seconds = perf_counter() - started
    if args.trace:
        if not found.broken:
            raise UsageError(f"nothing breaks: there is no trace to write to {args.trace}")
        trace = found.traces[found.broken[0].claim.name]
        write_json(args.trace, trace.trace(system).to_itf(system))
    if args.html:
        write_design(args.html, found, str(design.path))
    if args.json:
        print(json.dumps(as_json(found, str(design.path), seconds), indent=1))
    else:
        show_answer(found, str(design.path), seconds, quiet=args.quiet)
        if args.all:
            print_traces(found)
    return found.verdict.exit_code
