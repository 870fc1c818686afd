"""What a declaration says: its function is run once, on symbolic elements."""

from __future__ import annotations

from typing import Any

from . import terms
from .declare import (
    Declared,
    DeclaredAction,
    Defined,
    Map,
    hints,
    parameters,
    result_of,
    tracing,
)
from .endings import Budget, Progress
from .syntax import Expr, bind, coerce, complain
from .system import (
    Action,
    Axiom,
    Definition,
    Ending,
    Kind,
    Property,
    Variable,
    Way,
    Where,
)
from .terms import BOOL, App, Const, Term, Var

__all__ = [
    "trace_action",
    "trace_axiom",
    "trace_definition",
    "trace_property",
    "trace_variable",
]


def trace_action(declared: Declared) -> Action:
    """The action that a decorated function declares: it is run once, on symbolic elements.

    Raises:
        SpecificationError: for a mistake in it.
    """
    with tracing(declared.name, in_action=True) as trace:
        params, args = parameters(declared.function)
        declared.function(*args)
    if not trace.updates:
        complain(
            f"action {declared.name!r} changes nothing: an update is variable[element] = value",
            declared.where,
        )
    module = declared.where.room
    return Action(
        declared.name,
        module,
        declared.doc,
        params,
        tuple(trace.guards),
        tuple(trace.updates),
        declared.where,
        declared.using,
    )


def trace_formula(declared: Declared, result: terms.SortRef = BOOL) -> tuple[tuple[Var, ...], Term]:
    """The parameters and the term of a property's, axiom's or definition's function, run once.

    Raises:
        SpecificationError: for a mistake in it.
    """
    with tracing(declared.name):
        params, args = parameters(declared.function)
        term = declared.function(*args)
        if not isinstance(term, Expr):
            complain(f"{declared.name} returns {term!r}, not a term", declared.where)
        return params, coerce(term, result, declared.where)


def trace_property(declared: Declared) -> Property:
    """The property that a decorated function states.

    Raises:
        SpecificationError: for a mistake in it, or if it has no docstring.
    """
    if not declared.doc:
        complain(
            f"property {declared.name!r} has no docstring that says it in words", declared.where
        )
    if declared.role == "ends":
        params, ending = _trace_ending(declared)
        return _as_property(declared, "ends", params, _shrinks(ending), ending)
    params, formula = trace_formula(declared)
    if declared.role == "step":
        return _as_property(declared, "step", params, formula)
    kind: Kind = "always" if declared.role == "always" else "sometimes"
    return _as_property(declared, kind, params, formula)


def _as_property(
    declared: Declared,
    kind: Kind,
    params: tuple[Var, ...],
    formula: Term,
    ending: Ending | None = None,
) -> Property:
    module = declared.where.room
    return Property(
        declared.name,
        module,
        kind,
        declared.doc,
        params,
        formula,
        declared.covers,
        declared.where,
        ending,
        declared.using,
    )


def _shrinks(ending: Ending) -> Term:
    """The work does not grow in a step, but where something of the budget is spent for it."""
    lasts = terms.conj(ending.during, terms.Next(ending.during))
    if ending.budget is None:
        return terms.implies(terms.conj(lasts, terms.Next(ending.left)), ending.left)
    var, unspent = ending.budget
    stays_spent = terms.forall(var, terms.implies(terms.Next(unspent), unspent))
    pays = terms.exists(var, terms.conj(unspent, terms.negate(terms.Next(unspent))))
    grows = terms.conj(terms.Next(ending.left), terms.negate(ending.left))
    return terms.implies(lasts, terms.conj(stays_spent, terms.implies(grows, pays)))


def _trace_ending(declared: Declared) -> tuple[tuple[Var, ...], Ending]:
    with tracing(declared.name):
        params, args = parameters(declared.function)
        result = declared.function(*args)
        if not (isinstance(result, tuple) and len(result) in (2, 3)):
            complain(f"{declared.name} must return `during` and `left`", declared.where)
        during, left = (coerce(part, BOOL) for part in result[:2])
        listed = result[2] if len(result) == 3 else ()
        budget = None
        if isinstance(listed, Budget):
            budget, listed = (listed.var, coerce(listed.unspent, BOOL)), ()
        if not isinstance(listed, tuple):
            complain(f"{declared.name} must return the ways on as a tuple", declared.where)
        ways = tuple(_way(each, declared.where) for each in listed)
    names = dict.fromkeys(name for way in ways for name, _ in way.actions)
    return params, Ending(during, left, (*declared.by, *names), declared.unless, ways, budget)


def _way(way: object, where: Where) -> Way:
    if not isinstance(way, Progress):
        complain(f"{way!r} is not a `Progress`", where)
    actions = []
    for each in way.by:
        if len(each) != 2:
            complain(f"{each!r} is no action, nor an action and a member", where)
        action, member = each
        if not isinstance(action, DeclaredAction):
            complain(f"{action!r} is no action", where)
        term = member.term if isinstance(member, Expr) else member
        if not (term is None or isinstance(term, Const)):
            complain(f"{action.name} takes out {member!r}, which is no enumeration's member", where)
        actions.append((action.name, term.name if term else ""))
    for name, value in way.given.items():
        if not isinstance(value, Expr):
            complain(f"{name} is {value!r}, which is no element", where)
    given = tuple((name, value.term) for name, value in way.given.items())
    return Way(coerce(way.condition, BOOL), tuple(actions), given)


def trace_axiom(declared: Declared) -> Axiom:
    """The axiom that a decorated function states.

    Raises:
        SpecificationError: for a mistake in it, or if it reads state.
    """
    params, formula = trace_formula(declared)
    for part in terms.subterms(formula):
        if isinstance(part, App) and part.symbol.is_state:
            complain(f"axiom {declared.name} reads {part.symbol}, which is state", declared.where)
    module = declared.where.room
    return Axiom(declared.name, module, declared.doc, params, formula, declared.where)


def trace_definition(defined: Defined[..., Any]) -> Definition:
    """The definition that a decorated function gives."""
    declared = defined.declared
    result = result_of(declared, hints(declared.function))
    params, body = trace_formula(declared, result.ref)
    module = declared.where.room
    return Definition(declared.name, module, declared.doc, params, body, declared.where)


def trace_variable(symbol: Map[Any, Any]) -> Variable:
    """The state variable that a `Map` declares, with its initial value."""
    assert symbol.initial is not None
    if not callable(symbol.initial):
        complain(
            f"the initial value of {symbol.name} is no function of its elements: "
            f"write initial=lambda ...: {symbol.initial!r}",
            symbol.where,
        )
    with tracing(f"initial_{symbol.name}"):
        params, value = bind(symbol.domain, symbol.initial)
        initial = coerce(value, symbol.result.ref, symbol.where)
    module = symbol.where.room
    return Variable(symbol.symbol, module, symbol.doc, params, initial)
