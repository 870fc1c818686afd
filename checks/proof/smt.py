"""Obligations as SMT-LIB 2 text, which both solvers read alike.

Names cannot clash: sorts are bare, ``Stage.idle`` is a member, ``state.home``
a variable, ``topology.node_of`` a topology symbol, ``p!fault`` the variable p
of the declaration fault.

>>> from memhp.spec.language.terms import BOOL, SortRef, Symbol, Var, App, forall
>>> f, free = Var("f", SortRef("Frame"), "clean"), Symbol("free", (SortRef("Frame"),), BOOL, True)
>>> text(forall(f, App(free, (f,))))
'(forall ((f!clean Frame)) (state.free f!clean))'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product

from memhp.spec.language.rewrite import rebuild, unbound
from memhp.spec.language.system import System
from memhp.spec.language.terms import (
    BOOL,
    INT,
    TRUE,
    App,
    Call,
    Const,
    Next,
    Op,
    Quantified,
    SortRef,
    Symbol,
    Term,
    Var,
    add,
    conj,
    disj,
    eq,
    implies,
    ite,
    negate,
    number,
    parts,
)

from .obligations import Assumption, Obligation

__all__ = [
    "GOAL",
    "constant_name",
    "declaration",
    "ground",
    "script",
    "small_machine",
    "some_of",
    "symbol_name",
    "text",
    "there",
    "unnamed_script",
]

GOAL = "goal"
"""The name of the negated goal among the assertions."""

_OPERATORS = {"not": "not", "and": "and", "or": "or", "implies": "=>", "eq": "="}
_OPERATORS |= {"ite": "ite", "add": "+", "le": "<="}

Sizes = Mapping[str, int]
"""The number of elements of each unbounded sort; none for a machine of any size."""


def symbol_name(symbol: Symbol) -> str:
    """The symbol's name in the text: ``state.NAME`` or ``topology.NAME``."""
    return f"{'state' if symbol.is_state else 'topology'}.{symbol.name}"


def constant_name(var: Var) -> str:
    """The variable's name in the text: ``NAME!SCOPE``."""
    return f"{var.name}!{var.scope}"


def text(term: Term) -> str:
    """The SMT-LIB 2 text of an expanded term of one state.

    Raises:
        ValueError: it calls a definition, speaks of the next state, or counts.
    """
    match term:
        case Var():
            return constant_name(term)
        case Const(name=name, sort=sort):
            if sort == INT:
                return name if int(name) >= 0 else f"(- {name[1:]})"
            return name if sort == BOOL else f"{sort}.{name}"
        case App(symbol=symbol, args=args):
            return f"({symbol_name(symbol)} {' '.join(map(text, args))})"
        case Op(kind=kind, args=args):
            return f"({_OPERATORS[kind]} {' '.join(map(text, args))})"
        case Call() | Next() | Quantified(kind="count"):
            raise ValueError(f"{term}: not an expanded term of one state")
        case Quantified(kind=kind):
            variables: dict[Var, str] = {}
            body: Term = term
            while isinstance(body, Quantified) and body.kind == kind and body.var not in variables:
                variables[body.var] = f"({constant_name(body.var)} {body.var.sort})"
                body = body.body
            return f"({kind} ({' '.join(variables.values())}) {text(body)})"


def script(
    system: System,
    obligation: Obligation,
    assumptions: Iterable[Assumption],
    sizes: Sizes | None = None,
) -> str:
    """The SMT-LIB 2 text of an obligation: *unsat* if the goal follows from the assumptions.

    Args:
        system: its symbols are declared, as far as the text uses them.
        obligation: its goal is negated.
        assumptions: one assertion each, named by its label.
        sizes: the elements of each sort, at most, of a ground machine, without quantifiers; by
            default the text speaks of machines of every size.
    """
    used = tuple(assumptions)
    fixed = () if sizes is None else tuple(sorted(sizes.items()))
    goal = obligation.goal if sizes is None else ground(obligation.small_goal, sizes)
    head: Iterable[str]
    if sizes is None:
        head = _declarations(system, (*(p.general for p in used), goal), obligation.constants)
    else:
        head = (*small_machine(system, sizes), *some_of(obligation.constants, sizes))
    lines = [*head, *(_asserted(part, fixed) for part in used), _named(GOAL, negate(goal))]
    return "\n".join(line for line in lines if line)


def small_machine(system: System, sizes: Sizes) -> Iterator[str]:
    """The text that declares a machine of at most those sizes."""
    fixed, symbols = tuple(sorted(sizes.items())), _symbols(system)
    yield _signature(system.sorts, symbols, fixed)
    yield _size(system.sorts, symbols, fixed)


def some_of(constants: Iterable[Var], sizes: Sizes) -> Iterator[str]:
    """The text that declares constants, elements of a `small_machine`."""
    for var in constants:
        yield _constant(var)
        yield _in_range(var, sizes)


def unnamed_script(system: System, terms: Sequence[Term], constants: Sequence[Var]) -> str:
    """The SMT-LIB 2 text that asserts the terms in their order, for a machine of any size.

    Args:
        system: its symbols are declared, as far as the text uses them.
        terms: expanded, of one state.
        constants: the variables that the terms use and do not quantify.
    """
    return "\n".join((*_declarations(system, terms, constants), *map(_unnamed, terms)))


@lru_cache(maxsize=20_000)
def _unnamed(term: Term) -> str:
    return f"(assert {text(term)})"


def _declarations(system: System, terms: Iterable[Term], constants: Sequence[Var]) -> Iterator[str]:
    """The sorts and symbols that the terms use, and the constants."""
    used = frozenset[Symbol | SortRef]().union(*map(_vocabulary, (*terms, *constants)))
    sorts = tuple(sort for sort in system.sorts if sort in used)
    yield _signature(sorts, tuple(s for s in _symbols(system) if s in used), ())
    yield from map(_constant, constants)


@lru_cache(maxsize=100_000)
def _vocabulary(term: Term) -> frozenset[Symbol | SortRef]:
    """The symbols of the term, and the sorts of whatever is in it."""
    names: set[Symbol | SortRef]
    names = {term.var.sort if isinstance(term, Quantified) else term.sort}
    if isinstance(term, App):
        names |= {term.symbol, *term.symbol.domain}
    return frozenset(names).union(*map(_vocabulary, parts(term)))


def _symbols(system: System) -> tuple[Symbol, ...]:
    return (*system.topology, *(variable.symbol for variable in system.variables))


def _constant(var: Var) -> str:
    return f"(declare-const {constant_name(var)} {var.sort})"


@lru_cache(maxsize=256)
def _signature(
    sorts: tuple[SortRef, ...], symbols: tuple[Symbol, ...], fixed: tuple[tuple[str, int], ...]
) -> str:
    sizes = dict(fixed)
    lines = ["(set-logic ALL)"]
    for sort in sorts:
        if members := _members(sort, sizes):
            cases = " ".join(f"({sort}.{member})" for member in members)
            lines.append(f"(declare-datatypes (({sort} 0)) (({cases})))")
        else:
            lines.append(f"(declare-sort {sort} 0)")
    lines += map(declaration, symbols)
    return "\n".join(lines)


def declaration(symbol: Symbol) -> str:
    """The text that declares a symbol."""
    domain = " ".join(map(str, symbol.domain))
    return f"(declare-fun {symbol_name(symbol)} ({domain}) {symbol.range})"


@lru_cache(maxsize=20_000)
def _asserted(part: Assumption, fixed: tuple[tuple[str, int], ...]) -> str:
    term = ground(part.term, dict(fixed)) if fixed else part.general
    return _named(part.label, term)


def ground(term: Term, sizes: Sizes, values: Mapping[Var, Term] | None = None) -> Term:
    """``term`` without quantifiers, on a machine of at most those sizes.

    The element number i of a sort is ``Const(str(i), sort)``; see `there`.

    Args:
        term: an expanded formula of one state.
        sizes: elements of each unbounded sort.
        values: of the variables that are bound around the term.
    """
    known = _known(tuple(sizes.items()))
    if len(known) > _MOST_KNOWN:
        known.clear()
    return _ground(term, sizes, values or {}, known)


_MOST_KNOWN = 500_000
_Known = dict[tuple[Term, tuple[Term | None, ...]], Term]
"""What was ground: of each term, for the values of its variables."""


@lru_cache(maxsize=4)
def _known(_sizes: tuple[tuple[str, int], ...]) -> _Known:
    return {}


def _ground(
    term: Term,
    sizes: Sizes,
    bound: Mapping[Var, Term],
    known: _Known,
) -> Term:
    """As `ground`; ``known`` has what was worked out for the same values of the same variables."""
    if isinstance(term, Var):
        return bound.get(term, term)
    key = term, tuple(map(bound.get, unbound(term)))
    if (found := known.get(key)) is None:
        found = known[key] = (
            _every_case(term, sizes, bound, known)
            if isinstance(term, Quantified)
            else rebuild(term, lambda part: _ground(part, sizes, bound, known))
        )
    return found


def _every_case(
    term: Quantified,
    sizes: Sizes,
    bound: Mapping[Var, Term],
    known: _Known,
) -> Term:
    """The quantified term as one about each element."""
    sort = term.var.sort
    cases = [
        (
            there(sort, at),
            _ground(term.body, sizes, {**bound, term.var: Const(member, sort)}, known),
        )
        for at, member in enumerate(_members(sort, sizes))
    ]
    match term.kind:
        case "forall":
            return conj(*(implies(is_there, case) for is_there, case in cases))
        case "exists":
            return disj(*(conj(is_there, case) for is_there, case in cases))
        case "count":
            total: Term = number(0)
            for is_there, case in cases:
                total = add(total, ite(conj(is_there, case), number(1), number(0)))
            return total


def there(sort: SortRef, at: int) -> Term:
    """The term that the machine has the element of that number; it always has number 0."""
    return TRUE if sort.members or at == 0 else Var(f"there{at}", BOOL, sort.name)


def _members(sort: SortRef, sizes: Sizes) -> tuple[str, ...]:
    return sort.members or tuple(map(str, range(sizes.get(sort.name, 0))))


@lru_cache(maxsize=256)
def _size(
    sorts: tuple[SortRef, ...], symbols: tuple[Symbol, ...], fixed: tuple[tuple[str, int], ...]
) -> str:
    """The text that elements are there in order, and every value is one that is there."""
    sizes = dict(fixed)
    lines = []
    for sort in sorts:
        for at in range(1, sizes.get(sort.name, 0)):
            here = there(sort, at)
            lines.append(f"(declare-const {text(here)} Bool)")
            lines.append(_named(f"size.{sort}{at}", implies(here, there(sort, at - 1))))
    for symbol in symbols:
        domain = [_members(sort, sizes) for sort in symbol.domain]
        values = (
            App(symbol, tuple(map(Const, point, symbol.domain))) for point in product(*domain)
        )
        inside = conj(*(_is_there(value, sizes) for value in values))
        if inside != TRUE:
            lines.append(_named(f"size.{symbol_name(symbol)}", inside))
    return "\n".join(lines)


def _in_range(var: Var, sizes: Sizes) -> str:
    return _named(f"size.{constant_name(var)}", _is_there(var, sizes))


def _is_there(value: Term, sizes: Sizes) -> Term:
    if value.sort.members:
        return TRUE
    members = enumerate(_members(value.sort, sizes))
    return conj(
        *(
            implies(eq(value, Const(member, value.sort)), there(value.sort, at))
            for at, member in members
        )
    )


def _named(name: str, term: Term) -> str:
    return f"(assert (! {text(term)} :named {name}))"
