"""Rewriting terms: substitution, expansion of definitions, and the state after a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from .system import (
    Action,
    Axiom,
    Property,
    System,
    Update,
)
from .terms import (
    App,
    Call,
    Const,
    Next,
    Op,
    OpKind,
    Quantified,
    Term,
    Var,
    add,
    conj,
    disj,
    eq,
    exists,
    forall,
    implies,
    ite,
    le,
    negate,
    quantified,
)

__all__ = [
    "after",
    "closed",
    "enabled",
    "expand",
    "folded",
    "rebuild",
    "substitute",
    "term_text",
    "unbound",
]


def rebuild(term: Term, change: Callable[[Term], Term]) -> Term:
    """``term`` with ``change`` applied to its direct parts, folded where they decide it."""
    match term:
        case Var() | Const():
            return term
        case App(args=args) | Call(args=args) | Op(args=args):
            changed = tuple(map(change, args))
            return term if changed == args else _with(term, changed)
        case Quantified(kind=kind, var=var, body=body):
            return quantified(kind, var, change(body))
        case Next(body=body):
            return Next(change(body))


def _with(term: App | Call | Op, args: tuple[Term, ...]) -> Term:
    """The term with other arguments."""
    match term:
        case App(symbol=symbol):
            return App(symbol, args)
        case Call(name=name, sort=sort):
            return Call(name, args, sort)
        case Op(kind=kind):
            return folded(kind, args)


def folded(kind: OpKind, args: tuple[Term, ...]) -> Term:
    """The operation on those terms, folded where they decide it."""
    match kind:
        case "not":
            return negate(args[0])
        case "and":
            return conj(*args)
        case "or":
            return disj(*args)
        case "implies":
            return implies(args[0], args[1])
        case "eq":
            return eq(args[0], args[1])
        case "ite":
            return ite(args[0], args[1], args[2])
        case "add":
            return add(args[0], args[1])
        case "le":
            return le(args[0], args[1])


def substitute(term: Term, values: Mapping[Var, Term]) -> Term:
    """``term`` with variables replaced by terms; scopes keep bound variables apart (`Var`)."""
    if isinstance(term, Var):
        return values.get(term, term)
    return rebuild(term, lambda part: substitute(part, values)) if values else term


@lru_cache(maxsize=100_000)
def unbound(term: Term) -> frozenset[Var]:
    """The variables that the term uses and does not quantify."""
    match term:
        case Var():
            return frozenset([term])
        case App(args=args) | Call(args=args) | Op(args=args):
            return frozenset[Var]().union(*map(unbound, args))
        case Quantified(var=var, body=body):
            return unbound(body) - {var}
        case Next(body=body):
            return unbound(body)
    return frozenset()


def expand(term: Term, system: System) -> Term:
    """``term`` with every definition replaced by its body."""
    if (expanded := system.expanded.get(term)) is None:
        if isinstance(term, Call):
            definition = system.definition(term.name)
            args = (expand(arg, system) for arg in term.args)
            body = expand(definition.body, system)
            expanded = substitute(body, dict(zip(definition.params, args, strict=True)))
        else:
            expanded = rebuild(term, lambda part: expand(part, system))
        system.expanded[term] = expanded
    return expanded


def after(term: Term, action: Action) -> Term:
    """What ``term`` says once ``action`` has been taken, as a term about the state before.

    ``term`` must be expanded and free of `Next`; the action's parameters stay free.
    """
    if _read(term).isdisjoint(action.written):
        return term
    if isinstance(term, App) and term.symbol.is_state:
        args = tuple(after(arg, action) for arg in term.args)
        value: Term = App(term.symbol, args)
        for update in action.updates:
            if update.symbol == term.symbol:
                value = _updated(update, args, value)
        return value
    return rebuild(term, lambda part: after(part, action))


@lru_cache(maxsize=50_000)
def _read(term: Term) -> frozenset[str]:
    """The names of the symbols in an expanded term."""
    match term:
        case App(symbol=symbol, args=args):
            return frozenset((symbol.name,)).union(*map(_read, args))
        case Op(args=args):
            return frozenset[str]().union(*map(_read, args))
        case Quantified(body=body) | Next(body=body):
            return _read(body)
    return frozenset()


def _updated(update: Update, args: tuple[Term, ...], old: Term) -> Term:
    if update.point is not None:
        hit = conj(*(eq(arg, key) for arg, key in zip(args, update.point, strict=True)))
        return ite(hit, update.value, old)
    here = dict(zip(update.variables, args, strict=True))
    return ite(substitute(update.condition, here), substitute(update.value, here), old)


def enabled(action: Action) -> Term:
    """The conjunction of the action's guards."""
    return conj(*(guard.condition for guard in action.guards))


def closed(claim: Property | Axiom) -> Term:
    """The claim's formula with its parameters quantified: existentially for *sometimes*."""
    bind = exists if isinstance(claim, Property) and claim.kind == "sometimes" else forall
    term = claim.formula
    for var in reversed(claim.params):
        term = bind(var, term)
    return term


def term_text(*content: object) -> str:
    """What the terms say, as a text in which their variables are numbered as they come.

    Terms have the same text that differ in the names of their variables alone: a quantifier that
    is added to an action gives other names to those behind it.

    Args:
        content: terms, and whatever else has a `repr`; variables that are not bound come first.
    """
    numbers: dict[str, int] = {}

    def numbered(name: re.Match[str]) -> str:
        return f"{name[1]}{numbers.setdefault(name[2], len(numbers))}'"

    return _VARIABLE.sub(numbered, repr(content))


_VARIABLE = re.compile(r"(\bVar\(name=')(\w+)'")
