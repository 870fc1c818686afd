"""`memhp export`: for work elsewhere: vectors, here, and requirements."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memhp.spec.language.errnos import errorcode

from . import requirements
from .arguments import at_least_one, file_name
from .files import fail, write_file, write_json
from .names import system_of
from .output.streams import UsageError, show_progress

if TYPE_CHECKING:
    from memhp.checks.fuzz.rules import Operation
    from memhp.checks.fuzz.vectors import Vector, Vectors
    from memhp.reference import Topology
    from memhp.spec.language import System

SCHEMA = "memhp-vectors/1"
_EPISODES, _LENGTH = 8, 80

_EPILOG = """files:
  manifest.json     what is covered, and what is not
  machines.jsonl    a machine a line: sizes, tables, and the values of the state as it boots
  operations.jsonl  a vector a line: operations that lead to a state, one more, what is right then
  walks.jsonl       a walk a line: many operations from boot, what is right after each

docs/vectors.md says what stands where.  examples/vectors_reader.py reads them, and imports nothing
of memhp.
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "export",
        help="write vectors for other implementations, requirements on kernels",
        description="Writes what work elsewhere needs: test vectors, requirements.",
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_vectors(parts)
    requirements.add_parser(parts)


def _add_vectors(parts: Any) -> None:
    parser = parts.add_parser(
        "vectors",
        help="states, operations, answers, for implementations elsewhere",
        description="Writes test vectors as JSON Lines: for each operation states, what is asked,"
        " the answer and the state after it.",
        epilog=_EPILOG,
    )
    parser.add_argument("directory", type=file_name, metavar="DIR", help="made if it is not there")
    parser.add_argument("--seed", type=int, default=0, help="the same one draws the same (0)")
    parser.add_argument(
        "--walks", type=at_least_one, default=4, metavar="N", help="walks on each machine (4)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the vectors."""
    from memhp.checks.fuzz.topologies import SHAPES, built_for
    from memhp.checks.fuzz.vectors import walks

    system = system_of([])
    machines = {name: built_for(name, system) for name in SHAPES}
    show_progress("walks")
    vectors = _vectors(system, machines, args.seed)
    drawn = list(walks(system, machines, seed=args.seed, episodes=args.walks, length=200))
    show_progress()
    files = {
        "machines.jsonl": _machines(system, {**machines, **vectors.machines}),
        "operations.jsonl": (_vector(system, n, each) for n, each in enumerate(vectors.kept)),
        "walks.jsonl": (_walk(system, each) for each in drawn),
    }
    try:
        args.directory.mkdir(parents=True, exist_ok=True)
        for name, documents in files.items():
            write_file(args.directory / name, _lines(documents))
        write_json(args.directory / "manifest.json", _manifest(system, vectors, len(drawn)))
    except OSError as error:
        message = f"cannot write {args.directory}: {error.strerror or error}"
        return fail("export", UsageError(message))
    except UsageError as error:
        return fail("export", error)
    guards = sum(len(action.guards) for action in system.actions)
    print(
        f"{args.directory}: {len(vectors.kept)} vectors and {len(drawn)} walks;"
        f" {len(vectors.taken)} of {len(system.actions)} actions are taken,"
        f" {len(vectors.refusing)} of {guards} guards refuse"
    )
    return 0


def _vectors(system: System, machines: Mapping[str, Topology], seed: int) -> Vectors:
    """Vectors of walks, then one for each action and guard that these have not shown."""
    from dataclasses import replace

    from memhp.checks.fuzz.vectors import Vectors
    from memhp.checks.search.usual import reach

    vectors = Vectors(system)
    vectors.draw(machines, seed=seed, episodes=_EPISODES, length=_LENGTH)
    claims = vectors.wanting()
    show_progress(f"traces to {len(claims)} refusals and steps")
    asked = replace(system, properties=tuple(claims), is_own=True)  # any trace will do
    traces, _ = reach(asked, claims)  # anew, so that the same seed gives the same
    names: dict[Topology, str] = {}
    for claim, trace in traces.items():
        name = names.setdefault(trace.topology, f"small_{len(names)}")
        vectors.show(name, trace.topology, trace.steps, (claim.partition(".")[0], trace.params))
    return vectors


def _lines(documents: Iterable[Any]) -> str:
    return "".join(f"{json.dumps(each, separators=(',', ':'))}\n" for each in documents)


def _manifest(system: System, vectors: Vectors, walks: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "system": system.name,
        "operations": sorted({each.operation[0] for each in vectors.kept}),
        "vectors": len(vectors.kept),
        "walks": walks,
        "actions_never_taken": vectors.never_taken,
        "guards_never_refusing": [".".join(each) for each in vectors.never_refusing],
    }


def _machines(system: System, machines: Mapping[str, Topology]) -> Iterator[dict[str, Any]]:
    from memhp.reference import Machine

    for name, topology in machines.items():
        tables = {
            symbol.name: {
                "of": [sort.name for sort in symbol.domain],
                "values": list(topology.values(system, symbol.name)),
            }
            for symbol in system.topology
        }
        values = _state(system, topology, Machine(system, topology).values)
        state = {
            symbol.name: {
                "of": [sort.name for sort in symbol.domain],
                "values": values[symbol.name],
            }
            for symbol in (variable.symbol for variable in system.variables)
        }
        yield {"machine": name, "sizes": topology.sizes, "tables": tables, "boot": state}


def _state(
    system: System, topology: Topology, values: Sequence[int]
) -> dict[str, list[int | str | bool]]:
    """The values of each variable, row-major, members by their names."""
    from memhp.reference.formula import spans
    from memhp.reference.topology import readable

    places = spans(system, topology)
    return {
        symbol.name: [readable(symbol.range, each) for each in values[slice(*places[symbol.name])]]
        for symbol in (variable.symbol for variable in system.variables)
    }


def _operation(operation: Operation) -> list[Any]:
    return [operation[0], *operation[1]]


def _asked(vector: Vector, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked and what is right: the answer, the guard that refuses, what changes."""
    answer = None if vector.answer is None else errorcode.get(vector.answer, vector.answer)
    asked: dict[str, Any] = {"operation": _operation(vector.operation), "answer": answer}
    if vector.refusal is not None:
        asked["refused_by"] = f"{vector.refusal.action}.{vector.refusal.guard}"
        asked["why"] = vector.refusal.why
    asked["after"] = {name: value for name, value in after.items() if value != before[name]}
    return asked


def _vector(system: System, number: int, vector: Vector) -> dict[str, Any]:
    before = _state(system, vector.topology, vector.before)
    return {
        "vector": number,
        "machine": vector.machine,
        "path": [_operation(each) for each in vector.path],
        "before": before,
        **_asked(vector, before, _state(system, vector.topology, vector.after)),
    }


def _walk(system: System, walk: Sequence[Vector]) -> dict[str, Any]:
    """Each state is worked out once: what one operation leaves is what the next one finds."""
    before = _state(system, walk[0].topology, walk[0].before)
    steps = []
    for vector in walk:
        after = _state(system, vector.topology, vector.after)
        steps.append(_asked(vector, before, after))
        before = after
    return {"machine": walk[0].machine, "steps": steps}
