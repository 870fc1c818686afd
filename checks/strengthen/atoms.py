"""The grammar: what can be said, in a word, of one or two elements.

A *term* is a variable, or a function of the system or a definition applied to terms
(``frame_state[home[o]]``).  A *literal* compares two terms, or a term and a member of its
enumeration, or takes a truth value as it is; or it says the contrary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product

from memhp.spec.language.rewrite import expand, unbound
from memhp.spec.language.system import System
from memhp.spec.language.terms import (
    BOOL,
    INT,
    App,
    Call,
    Const,
    Quantified,
    SortRef,
    Term,
    Var,
    eq,
    negate,
    number,
    subterms,
)

__all__ = ["Literal", "literals"]

DEEPEST = 3
"""So many functions stand inside one another at most."""
FAR = 3
"""What a literal costs besides that looks at all elements of a sort: proofs have it harder."""
MOST_TERMS = 40
"""So many terms of one sort are looked at, the least deep first."""


@dataclass(frozen=True)
class Literal:
    """A literal as an author writes it, and expanded; ``cost`` grows with what is in it."""

    term: Term
    expanded: Term
    cost: int


@dataclass(frozen=True)
class _Function:
    """A symbol or a definition; ``apply`` makes a term of its arguments."""

    name: str
    domain: tuple[SortRef, ...]
    sort: SortRef
    apply: Callable[[tuple[Term, ...]], Term]


_Terms = Mapping[SortRef, Mapping[Term, tuple[str, ...]]]
"""The terms that name an element, by sort: each with the names of the functions in it."""


def literals(
    system: System, names: frozenset[str], variables: Sequence[Var]
) -> tuple[Literal, ...]:
    """Each literal about the variables, the simplest first.

    Args:
        system: the specification.
        names: of the symbols that may be in them.
        variables: about whose elements they speak.
    """
    functions = list(_functions(system, names))
    terms = _terms(functions, variables)
    found: dict[Term, Literal] = {}
    for atom, cost in _atoms(functions, terms):
        for term in (atom, negate(atom)):
            whole = expand(term, system)
            if unbound(whole) and whole not in found:
                looks_far = any(isinstance(part, Quantified) for part in subterms(whole))
                found[whole] = Literal(term, whole, cost + FAR * looks_far)
    return tuple(sorted(found.values(), key=lambda each: each.cost))


def _functions(system: System, names: frozenset[str]) -> Iterator[_Function]:
    """The symbols, and the definitions that read no others."""
    for definition in system.definitions.values():
        if definition.params and system.symbols_in(definition.body) <= names:
            domain = tuple(var.sort for var in definition.params)
            make = partial(_call, definition.name, definition.body.sort)
            yield _Function(definition.name, domain, definition.body.sort, make)
    for symbol in (*system.topology, *(variable.symbol for variable in system.variables)):
        if symbol.name in names:
            yield _Function(symbol.name, symbol.domain, symbol.range, partial(App, symbol))


def _call(name: str, sort: SortRef, args: tuple[Term, ...]) -> Term:
    return Call(name, args, sort)


def _terms(functions: Sequence[_Function], variables: Sequence[Var]) -> _Terms:
    terms: dict[SortRef, dict[Term, tuple[str, ...]]] = {}
    for var in variables:
        terms.setdefault(var.sort, {})[var] = ()
    asked = {sort for function in functions for sort in function.domain if sort.members}
    for depth in range(DEEPEST):
        new: list[tuple[SortRef, Term, tuple[str, ...]]] = []
        for function in functions:
            is_element = function.sort.members is None and function.sort != INT
            if is_element or (depth == 0 and function.sort in asked):
                for args, used in _arguments(terms, function, DEEPEST - 1, ()):
                    new.append((function.sort, function.apply(args), (*used, function.name)))
        for sort, term, used in new:
            known = terms.setdefault(sort, {})
            if len(known) < MOST_TERMS:
                known.setdefault(term, used)
    return terms


def _arguments(
    terms: _Terms, function: _Function, deepest: int, members: Sequence[SortRef]
) -> Iterator[tuple[tuple[Term, ...], tuple[str, ...]]]:
    """The arguments that the function may have, with the names of the functions in them.

    Args:
        terms: to choose from.
        function: is in none of its own arguments.
        deepest: so many functions are in them at most.
        members: enumerations of which members may be arguments.
    """
    choices: list[Mapping[Term, tuple[str, ...]]] = [
        {**terms.get(sort, {}), **(_members(sort) if sort in members else {})}
        for sort in function.domain
    ]
    for args in product(*choices):
        used = tuple(n for known, arg in zip(choices, args, strict=True) for n in known[arg])
        if function.name not in used and len(used) <= deepest:
            yield args, used


def _members(sort: SortRef) -> dict[Term, tuple[str, ...]]:
    return {Const(member, sort): () for member in sort.members or ()}


def _atoms(functions: Sequence[_Function], terms: _Terms) -> Iterator[tuple[Term, int]]:
    """Each atom, with its cost."""
    valued: dict[SortRef, list[tuple[Term, int]]] = {}
    for sort, known in terms.items():
        valued[sort] = [(term, len(used)) for term, used in known.items()]
    enumerations = [sort for f in functions for sort in f.domain if sort.members]
    for function in functions:
        if function.sort.members is None and function.sort != INT:
            continue
        for args, used in _arguments(terms, function, DEEPEST, enumerations):
            value, cost = function.apply(args), 1 + len(used)
            if function.sort == BOOL:
                yield value, cost
            elif function.sort == INT:
                yield eq(value, number(0)), cost
            else:
                valued.setdefault(function.sort, []).append((value, cost))
    for sort, values in valued.items():
        yield from ((eq(v, Const(m, sort)), c) for v, c in values for m in sort.members or ())
        for (one, mine), (other, its) in combinations(values, 2):
            if mine + its <= DEEPEST + 1:
                yield eq(one, other), 1 + mine + its
