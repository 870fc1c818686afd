"""Joining modules into one `System`: names are given, functions run, mistakes found."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from types import ModuleType
from typing import Any

from .declare import (
    Declared,
    Defined,
    Map,
    trace_action,
    trace_axiom,
    trace_definition,
    trace_property,
    trace_variable,
)
from .syntax import Enumeration, Expr, Sort, complain
from .system import ENABLED, Definition, System, Where
from .terms import INT, Call, Next, Op, Quantified, Symbol, Term, subterms

__all__ = ["load"]


def load(name: str, modules: tuple[ModuleType, ...]) -> System:
    """The system that ``modules`` declare together, in that order.

    Raises `SpecificationError` for the first mistake, with module and line.
    """
    found: dict[str, Any] = {}
    for module in modules:
        docs = _doc_strings(module)
        for attribute, value in vars(module).items():
            if _is_declared_in(value, module):
                _claim_name(attribute, value, found, docs)
    maps = [value for value in found.values() if isinstance(value, Map)]
    declared = [value for value in found.values() if isinstance(value, Declared)]
    definitions = {
        value.declared.name: trace_definition(value)
        for value in found.values()
        if isinstance(value, Defined)
    }
    _no_recursion(definitions)
    sorts = [
        value for value in found.values() if isinstance(value, type) and issubclass(value, Expr)
    ]
    system = System(
        name=name,
        sorts=tuple(sort.ref for sort in sorts),
        sort_docs={sort.ref.name: inspect.getdoc(sort) or "" for sort in sorts},
        topology=tuple(value.symbol for value in maps if not value.is_state),
        variables=tuple(trace_variable(value) for value in maps if value.is_state),
        axioms=tuple(trace_axiom(d) for d in declared if d.role == "axiom"),
        definitions=definitions,
        actions=tuple(trace_action(d) for d in declared if d.role == "action"),
        properties=tuple(trace_property(d) for d in declared if d.role not in ("axiom", "action")),
    )
    places = {value.name: value.where for value in maps}
    _check_references(system, places)
    _check_moments(system, places)
    _check_counting(system, places)
    _check_endings(system)
    return system


def _is_declared_in(value: object, module: ModuleType) -> bool:
    match value:
        case Map():
            return value.where.module == module.__name__
        case Declared():
            return value.where.module == module.__name__
        case Defined():
            return value.declared.where.module == module.__name__
        case type():
            proper = issubclass(value, Expr) and value not in (Expr, Sort, Enumeration)
            return proper and value.__module__ == module.__name__
    return False


def _claim_name(attribute: str, value: Any, found: dict[str, Any], docs: dict[str, str]) -> None:
    where = _place(value)
    if attribute in found:
        complain(f"{attribute!r} is declared in two modules", where)
    if isinstance(value, Map):
        if value.name not in ("", attribute):
            complain(f"{value.name!r} has a second name, {attribute!r}", where)
        value.name, value.doc = attribute, docs.get(attribute, "")
    found[attribute] = value


def _place(value: Any) -> Where:
    if isinstance(value, type):
        return Where(value.__module__, inspect.getsourcelines(value)[1])
    place: Where = value.declared.where if isinstance(value, Defined) else value.where
    return place


def _doc_strings(module: ModuleType) -> dict[str, str]:
    """The string below each top-level assignment: Python forgets it, a reader does not."""
    body = ast.parse(inspect.getsource(module)).body
    docs = {}
    for statement, below in pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    docs[statement.targets[0].id] = inspect.cleandoc(text)
    return docs


def _no_recursion(definitions: dict[str, Definition]) -> None:
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            complain(f"definition {name} uses itself", definitions[name].where)
        if name not in done and name in definitions:
            for part in subterms(definitions[name].body):
                if isinstance(part, Call):
                    visit(part.name, (*above, name))
            done.add(name)

    for name in definitions:
        visit(name, ())


def _check_references(system: System, places: dict[str, Where]) -> None:
    """Every symbol and definition that anything mentions belongs to the system."""
    known: set[Symbol] = {*system.topology, *(v.symbol for v in system.variables)}
    for where, term in _all_terms(system, places):
        for part in subterms(term):
            if isinstance(part, Call) and not _is_known(part.name, system):
                complain(f"definition {part.name!r} belongs to no loaded module", where)
            symbol = getattr(part, "symbol", None)
            if symbol is not None and symbol not in known:
                complain(f"symbol {symbol.name!r} belongs to no loaded module", where)


def _check_counting(system: System, places: dict[str, Where]) -> None:
    """Elements are counted only in an *always* property that says which counter equals them."""
    allowed = set()
    for claim in system.of_kind("always"):
        match claim.formula:
            case Op(kind="eq", args=(left, right)):
                allowed |= {id(side) for side in (left, right)}
    for where, term in _all_terms(system, places):
        for part in subterms(term):
            if isinstance(part, Quantified) and part.kind == "count" and id(part) not in allowed:
                complain("count() stands alone: only `counter == count(...)`, @always", where)
    for symbol in system.topology:
        if symbol.range == INT:
            complain(f"{symbol.name} is topology: only state is counted", places[symbol.name])


def _is_known(definition: str, system: System) -> bool:
    if definition.startswith(ENABLED):
        return definition.removeprefix(ENABLED) in system.action_by_name
    return definition in system.definitions


_MOMENTS = {
    "always": ": declare it @step",
    "sometimes": ": write after() in the property itself",
}
"""What to do about a property that must not speak of two states there."""


def _check_moments(system: System, places: dict[str, Where]) -> None:
    """Only *step* and *sometimes* speak of two states; only topology is there before boot."""
    timeless = [(axiom.name, axiom.where, axiom.formula) for axiom in system.axioms]
    timeless += [
        (f"the initial value of {v.symbol}", places[v.symbol.name], v.initial)
        for v in system.variables
    ]
    now = [(p.name, p.where, p.formula) for p in system.of_kind("always", "sometimes")]
    for ends in system.of_kind("ends"):
        assert ends.ending
        conditions = (way.condition for way in ends.ending.ways)
        parts = (ends.ending.during, ends.ending.left, *conditions)
        now += [(ends.name, ends.where, part) for part in parts]
    for action in system.actions:
        now += [(action.name, guard.where, guard.condition) for guard in action.guards]
        for update in action.updates:
            now += [(action.name, update.where, term) for term in update.terms]
    state = {variable.symbol.name for variable in system.variables}
    for name, where, term in timeless:
        for symbol in sorted(system.symbols_in(term) & state):
            complain(f"{name} reads {symbol}, which is state", where)
    for name, where, term in (*timeless, *now):
        claim = system.property_by_name.get(name)
        if _speaks_of_next(term, system) and not (claim and claim.of_step):
            advice = _MOMENTS.get(claim.kind, "") if claim else ""
            complain(f"{name} speaks of the state after a step{advice}", where)


def _speaks_of_next(term: Term, system: System) -> bool:
    return any(
        isinstance(part, Next)
        or (isinstance(part, Call) and _speaks_of_next(system.definition(part.name).body, system))
        for part in subterms(term)
    )


def _check_endings(system: System) -> None:
    """An *ends* property names an action, and has parameters of that action's names and sorts."""
    for claim in system.properties:
        for name in claim.using:
            if name not in system.property_by_name:
                complain(f"{claim.name}: there is no property {name!r}", claim.where)
    for claim in system.of_kind("ends"):
        assert claim.ending
        for name in (*claim.ending.by, *claim.ending.unless):
            if name not in system.action_by_name:
                complain(f"{claim.name}: there is no action {name!r}", claim.where)
        members = {"", *(name for var in claim.params for name in var.sort.members or ())}
        for name, member in (each for way in claim.ending.ways for each in way.actions):
            if member not in members:
                complain(f"{claim.name}: {name} takes out {member!r}, which is none", claim.where)
        if claim.ending.ways:
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


def _all_terms(system: System, places: dict[str, Where]) -> list[tuple[Where, Term]]:
    found: list[tuple[Where, Term]] = []
    for action in system.actions:
        found += [(guard.where, guard.condition) for guard in action.guards]
        found += [(update.where, term) for update in action.updates for term in update.terms]
    found += [(axiom.where, axiom.formula) for axiom in system.axioms]
    found += [(claim.where, claim.formula) for claim in system.properties]
    found += [(d.where, d.body) for d in system.definitions.values()]
    found += [(places[v.symbol.name], v.initial) for v in system.variables]
    return found
