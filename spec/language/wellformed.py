"""What must be true of a system before anything may be said of it.

Checked when modules are joined (`load`), and again after every edit (`edits`): a variant, a
profile or a design is held to what the specification itself is held to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from .rewrite import unbound
from .syntax import complain
from .system import (
    ENABLED,
    Action,
    Definition,
    Ending,
    Property,
    System,
    Way,
    Where,
)
from .terms import (
    INT,
    App,
    Call,
    Next,
    Op,
    Quantified,
    Symbol,
    Term,
    Var,
    inside,
)

__all__ = ["well_formed"]


def well_formed(system: System) -> None:
    """Return if the system may be spoken of: nothing is missing, unbound or circular.

    Raises:
        SpecificationError: for the first mistake, with module and line.
    """
    _no_recursion(system.definitions)
    parts = list(_parts(system))
    _check_references(system, parts)
    _check_variables(parts)
    _check_moments(system, parts)
    _check_counting(system, parts)
    _check_hints(system)
    _check_endings(system)


def _no_recursion(definitions: Mapping[str, Definition]) -> None:
    checked: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            complain(f"definition {name} uses itself", definitions[name].where)
        if name not in checked and name in definitions:
            calls = (part for part in inside(definitions[name].body) if isinstance(part, Call))
            for called in sorted(call.name for call in calls):
                visit(called, (*above, name))
            checked.add(name)

    for name in definitions:
        visit(name, ())


_When = Literal["before boot", "now", "around a step", "where it is used"]


@dataclass(frozen=True)
class _Part:
    """A term of a declaration: where it stands, which variables it may use, when it is read."""

    name: str
    where: Where
    term: Term
    variables: tuple[Var, ...] = ()
    when: _When = "now"


def _parts(system: System) -> Iterator[_Part]:
    """Every term of the system."""
    for axiom in system.axioms:
        yield _Part(axiom.name, axiom.where, axiom.formula, axiom.params, "before boot")
    for v in system.variables:
        name, where = f"the initial value of {v.symbol}", system.places[v.symbol.name]
        yield _Part(name, where, v.initial, v.params, "before boot")
    for each in system.definitions.values():
        yield _Part(each.name, each.where, each.body, each.params, "where it is used")
    for action in system.actions:
        for guard in action.guards:
            yield _Part(action.name, guard.where, guard.condition, action.params)
        for update in action.updates:
            variables = (*action.params, *update.variables)
            for term in update.terms:
                yield _Part(action.name, update.where, term, variables)
    for claim in system.properties:
        when: _When = "around a step" if claim.of_step or claim.kind == "ends" else "now"
        yield _Part(claim.name, claim.where, claim.formula, claim.params, when)
        if claim.ending:
            for term in _of_ending(claim.ending):
                yield _Part(claim.name, claim.where, term, claim.params)


def _of_ending(ending: Ending) -> Iterator[Term]:
    yield from (ending.during, ending.left)
    for way in ending.ways:
        yield way.condition
        yield from (term for _, term in way.given)


class _Mentions(NamedTuple):
    """What a term mentions itself, not through definitions."""

    definitions: frozenset[str]
    symbols: frozenset[Symbol]
    counts: frozenset[Term]
    next: bool
    """The state after a step."""


@lru_cache(maxsize=100_000)
def _mentions(term: Term) -> _Mentions:
    """What the term mentions: worked out once, though a system is checked after every edit."""
    terms = inside(term)
    return _Mentions(
        frozenset(each.name for each in terms if isinstance(each, Call)),
        frozenset(each.symbol for each in terms if isinstance(each, App)),
        frozenset(each for each in terms if isinstance(each, Quantified) and each.kind == "count"),
        any(isinstance(each, Next) for each in terms),
    )


def _check_references(system: System, parts: list[_Part]) -> None:
    """Every symbol and definition that anything mentions belongs to the system."""
    symbols: set[Symbol] = {*system.topology, *(v.symbol for v in system.variables)}
    for part in parts:
        mentioned = _mentions(part.term)
        for name in sorted(n for n in mentioned.definitions if not _is_known(n, system)):
            complain(f"definition {name!r} belongs to no loaded module", part.where)
        for name in sorted(symbol.name for symbol in mentioned.symbols - symbols):
            complain(f"symbol {name!r} belongs to no loaded module", part.where)


def _is_known(definition: str, system: System) -> bool:
    if definition.startswith(ENABLED):
        return definition.removeprefix(ENABLED) in system.action_by_name
    return definition in system.definitions


def _check_variables(parts: list[_Part]) -> None:
    """Nothing speaks of an element that it neither takes nor quantifies."""
    for part in parts:
        for var in sorted(unbound(part.term) - set(part.variables), key=str):
            complain(f"{part.name} uses {var}, which it neither takes nor quantifies", part.where)


_MOMENTS = {
    "always": ": declare it @step",
    "sometimes": ": write after() in the property itself",
}
"""What to do about a property that must not speak of two states there."""


def _check_moments(system: System, parts: list[_Part]) -> None:
    """Only *step* and *sometimes* speak of two states; only topology is there before boot."""
    state = {variable.symbol.name for variable in system.variables}
    for part in parts:
        if part.when == "before boot":
            for symbol in sorted(system.symbols_in(part.term) & state):
                complain(f"{part.name} reads {symbol}, which is state", part.where)
    for part in parts:
        if part.when in ("before boot", "now") and _speaks_of_next(part.term, system):
            claim = system.property_by_name.get(part.name)
            advice = _MOMENTS.get(claim.kind, "") if claim else ""
            complain(f"{part.name} speaks of the state after a step{advice}", part.where)


def _speaks_of_next(term: Term, system: System) -> bool:
    mentioned = _mentions(term)
    bodies = (system.definition(name).body for name in mentioned.definitions)
    return mentioned.next or any(_speaks_of_next(body, system) for body in bodies)


def _check_counting(system: System, parts: list[_Part]) -> None:
    """Elements are counted only in an *always* property that says which counter equals them."""
    allowed = set[Term]()
    for claim in system.of_kind("always"):
        match claim.formula:
            case Op(kind="eq", args=(left, right)):
                allowed |= {left, right}
    for part in parts:
        if _mentions(part.term).counts - allowed:
            complain("count() stands alone: only `counter == count(...)`, @always", part.where)
    for symbol in system.topology:
        if symbol.range == INT:
            where = system.places[symbol.name]
            complain(f"{symbol.name} is topology: only state is counted", where)


def _check_hints(system: System) -> None:
    """What proofs are to use is there."""
    names = {*system.property_by_name, *(axiom.name for axiom in system.axioms)}
    declared: tuple[Action | Property, ...] = (*system.actions, *system.properties)
    for each in declared:
        for name in each.using:
            if name not in names:
                complain(f"{each.name}: there is no property or axiom {name!r}", each.where)


def _check_ways(system: System, claim: Property, ways: Sequence[Way]) -> None:
    """What the actions take out there is, and their parameters have the sorts of the property's."""
    members = {"", *(name for var in claim.params for name in var.sort.members or ())}
    for way in ways:
        sorts = {var.name: var.sort for var in claim.params} | {
            name: term.sort for name, term in way.given
        }
        for name, member in way.actions:
            if member not in members:
                complain(f"{claim.name}: {name} takes out {member!r}, which is none", claim.where)
            for var in system.action_by_name[name].params:
                if sorts.get(var.name, var.sort) != var.sort:
                    complain(
                        f"{claim.name}: {var.name} is a {var.sort} of {name}, and a"
                        f" {sorts[var.name]} there: name one of them otherwise",
                        claim.where,
                    )


def _check_endings(system: System) -> None:
    """An *ends* property names an action, and has parameters of that action's names and sorts."""
    for claim in system.of_kind("ends"):
        if claim.ending is None:
            complain(f"{claim.name} does not say what ends", claim.where)
        for name in (*claim.ending.by, *claim.ending.unless):
            if name not in system.action_by_name:
                complain(f"{claim.name}: there is no action {name!r}", claim.where)
        for name in sorted({*claim.ending.by} & {*claim.ending.unless}):
            complain(f"{claim.name}: {name} is to end the work, and may add to it", claim.where)
        if claim.ending.ways:
            _check_ways(system, claim, claim.ending.ways)
            continue
        if len(claim.ending.by) != 1:
            complain(f"{claim.name}: name one action, or return the ways on", claim.where)
        action = system.action_by_name[claim.ending.by[0]]
        sorts = {var.name: var.sort for var in claim.params}
        for var in action.params:
            if sorts.get(var.name) != var.sort:
                complain(
                    f"{claim.name} needs a parameter {var.name}: {var.sort}, for {action.name}",
                    claim.where,
                )
