"""Traces of earlier searches, and when a search would find them again.

A search of a cut machine (`localise`) looks at nothing but that machine and, of the whole one, at
the actions that its traces take.  With these unchanged it would go the same way, so a trace is kept
with a digest of them, whatever else an edit has changed.  Of a *sometimes*, whose trace needs only
be the shortest of its machine, they are unchanged if they are so there: a guard that reads no state
counts by its values on that machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from memhp.reference import Topology
from memhp.spec.language.rewrite import term_text
from memhp.spec.language.system import (
    Action,
    Property,
    System,
)
from memhp.spec.language.terms import Term, Var

from ..ground.cuts import cut, idle_of, reads
from ..ground.formulas import TRUE
from ..ground.grounding import NUMBERS, Grounding
from ..support.remembered import Latest, Remembered
from ..support.store import (
    code_digest,
    digest_of,
    keep,
    kept,
    newest,
    sealed,
    unsealed,
)
from .localise import Reading
from .search import Witness

__all__ = [
    "drop_old_traces",
    "earlier_trace",
    "keep_trace",
    "kept_traces",
    "trace_in",
    "written",
]

_MOST = 16
"""Of so many designs a property's traces are kept, the latest."""
_MOST_PROPERTIES = 512
"""Of so many properties; memhp and its variants have some 250."""


def kept_traces(
    folder: Path | None,
    system: System,
    machines: Mapping[int, Topology],
    claim: Property,
    about: str,
) -> Iterator[Sequence[Any]]:
    """The kept traces that a search for the property would find now, for `trace_in`.

    What is to be reached by a design of one's own is reached by any trace that runs there.

    Args:
        folder: where; without one there are none.
        system: the specification.
        machines: those that are looked at, by their numbers.
        claim: the property.
        about: a digest of what else the search depends on, such as its machines.
    """
    any_runs = system.is_own and claim.kind == "sometimes"
    others = _entries(folder, claim, own=False) if any_runs else ()
    for entry in (*_entries(folder, claim, own=system.is_own), *others):
        try:
            content = unsealed(entry)
            reading = Reading.of_words(content["reads"])
            trace = content["trace"]
            if any_runs or content["digest"] == _digest(
                system, claim, reading, about, machines[trace[0]]
            ):
                yield trace
        except (ValueError, TypeError, KeyError, IndexError):
            continue


def earlier_trace(
    folder: Path | None, claim: Property, *, own: bool
) -> tuple[Sequence[Any], Reading] | None:
    """The trace kept last for the property, of whatever specification, and what its search read.

    Args:
        folder: where; without one there is none.
        claim: the property.
        own: of designs of one's own, whose traces need not be as short as can be; or of others.
    """
    for entry in _entries(folder, claim, own=own):
        try:
            content = unsealed(entry)
            if reading := Reading.of_words(content["reads"]):
                return content["trace"], reading
        except (ValueError, TypeError, KeyError):
            continue
    return None


def keep_trace(
    folder: Path | None,
    system: System,
    reading: Reading | None,
    about: str,
    number: int,
    witness: Witness,
) -> None:
    """Keep the trace of a search, the latest few of each property.

    Args:
        folder: where; without one nothing is kept.
        system: the specification.
        reading: the parts of it that the search has read; by default all.
        about: a digest of what else the search depends on.
        number: of the machine, among those that were searched.
        witness: the trace.
    """
    if folder is None:
        return
    digest = _digest(system, witness.claim, reading, about, witness.topology)
    entry = {
        "reads": reading and reading.words(),
        "digest": digest,
        "trace": written(number, witness),
    }
    before = _entries(folder, witness.claim, own=system.is_own)
    others = [each for each in before if each.get("digest") != digest]
    keep(_path(folder, witness.claim, own=system.is_own), [sealed(entry), *others][:_MOST])


def drop_old_traces(folder: Path | None) -> None:
    """Remove the traces kept longest ago, beyond those of as many properties as there may be."""
    newest(folder, "traces-*.json", _MOST_PROPERTIES)


def _entries(folder: Path | None, claim: Property, *, own: bool) -> list[dict[str, Any]]:
    entries = kept(_path(folder, claim, own=own))
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _path(folder: Path | None, claim: Property, *, own: bool) -> Path | None:
    name = digest_of(claim.name)
    return folder / f"traces-{f'own-{name}' if own else name}.json" if folder else None


def written(number: int, witness: Witness) -> list[Any]:
    """The entry of a trace on the machine of that number, as JSON has it; see `trace_in`."""
    return [number, witness.steps, witness.params, witness.loop]


def trace_in(
    entry: Any, claim: Property, system: System, machines: Mapping[int, Topology]
) -> Witness:
    """The trace of an entry, not yet replayed.

    Args:
        entry: as `written` made it.
        claim: the property that it shows.
        system: the specification.
        machines: by their numbers.

    Raises:
        ValueError, TypeError, KeyError, IndexError: it is none on these machines.
    """
    number, steps, params, loop = entry
    topology = machines[_number(number, max(machines, default=-1) + 1)]
    choices = tuple(
        (action, _point(system.action_by_name[action].params, point, topology))
        for action, point in steps
    )
    if loop is not None:
        loop = _number(loop, len(choices) + 1)
    least = -1 if claim.kind == "ends" else 0  # where that says: any
    return Witness(claim, topology, choices, _point(claim.params, params, topology, least), loop)


def _point(
    params: Sequence[Var], values: Any, topology: Topology, least: int = 0
) -> tuple[int, ...]:
    sizes = [topology.size(var.sort) for var in params]
    return tuple(_number(*each, least) for each in zip(values, sizes, strict=True))


def _number(value: Any, limit: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value < limit:
        raise ValueError(f"{value!r} is no number from {least} up to {limit}")
    return value


def _digest(
    system: System, claim: Property, reading: Reading | None, about: str, topology: Topology
) -> str:
    """Of all that the search depends on; without a ``reading``, of the whole system."""
    texts = _texts(system)
    there = topology if claim.kind == "sometimes" else None
    if reading is None:
        actions: Iterable[Action] = system.actions
    else:
        smaller = cut(system, reading.kept, claim, idle_of(system, claim, whole=reading.idle))
        taken = (system.action_by_name[name] for name in sorted(reading.taken))
        actions = (*smaller.actions, *taken)
    parts = [texts.of_all, _of_claim(system, claim)]
    parts += [texts.of_action(action, there) for action in actions]
    names = sorted(frozenset[str]().union(*(part.definitions for part in parts)))
    return digest_of(
        f"{_rules()} {about}",
        repr(reading and sorted(reading.kept)),
        *(part.text for part in parts),
        *map(texts.of_definition, names),
    )


@dataclass(frozen=True)
class _Part:
    """A part of a system, as a text that tells it from others, and the definitions it names."""

    text: str
    definitions: frozenset[str]


def _part(system: System, about: object, terms: Iterable[Term]) -> _Part:
    names = frozenset[str]().union(*map(system.definitions_in, terms))
    return _Part(digest_of(repr(about)), names)


def _of_claim(system: System, claim: Property) -> _Part:
    terms = [claim.formula]
    if ending := claim.ending:
        terms += [ending.during, ending.left]
        for way in ending.ways:
            terms += [way.condition, *(term for _, term in way.given)]
    said = (claim.name, claim.kind, claim.params, claim.formula, claim.ending)
    return _part(system, said, terms)


class _Texts:
    """The parts of one system, each worked out once."""

    def __init__(self, system: System) -> None:
        self._system = system
        variables = [(variable.symbol, variable.initial) for variable in system.variables]
        axioms = [(axiom.name, axiom.formula) for axiom in system.axioms]
        terms = [term for _, term in (*variables, *axioms)]
        self.of_all = _part(system, (system.sorts, system.topology, variables, axioms), terms)
        self._actions: dict[tuple[int, int], tuple[object, _Part]] = {}
        self._definitions: dict[str, str] = {}

    def of_action(self, action: Action, topology: Topology | None) -> _Part:
        """An action, or what is left of one, on that topology; they are told apart as objects."""
        key = id(action), id(topology)
        if key not in self._actions:
            self._actions[key] = (action, topology), self._made(action, topology)
        return self._actions[key][1]

    def _made(self, action: Action, topology: Topology | None) -> _Part:
        terms = [term for update in action.updates for term in update.terms]
        guards: list[tuple[object, ...]] = []
        for guard in action.guards:
            if topology and not reads(self._system, guard.condition):
                guards.append((guard.name, self._values(guard.condition, action, topology)))
            else:
                guards.append((guard.name, guard.condition))
                terms.append(guard.condition)
        updates = [(each.symbol, each.variables, *each.terms) for each in action.updates]
        pieces = [term_text(action.params, *each) for each in (*guards, *updates)]
        return _part(self._system, (action.name, action.params, len(guards), pieces), terms)

    def _values(self, condition: Term, action: Action, topology: Topology) -> list[bool]:
        """For each choice of parameters whether it holds; it reads no state."""
        grounding = _grounding(self._system, topology)
        points = grounding.bindings(action.params)
        return [grounding.formula(condition, bound) is TRUE for bound in points]

    def of_definition(self, name: str) -> str:
        """A definition's parameters and body."""
        text = self._definitions.get(name)
        if text is None:
            definition = self._system.definition(name)
            text = self._definitions[name] = digest_of(
                repr((name, definition.params, definition.body))
            )
        return text


_texts = Latest(_Texts)
_grounding = Remembered(partial(Grounding, numbers=NUMBERS))


@cache
def _rules() -> str:
    """A digest of all that searches."""
    return code_digest(
        *(f"checks/{room}/*" for room in ("search", "ground", "support")),
        "reference/*.py",
        "spec/language/*.py",
    )
