"""Unit propagation: what follows without a solver, until what is known contradicts itself.

To show that a goal follows from some facts, suppose the facts and that the goal is false.  A
conjunction makes each of its parts known, a disjunction with one part left makes that part known,
an element of which something exists gets a name, and what is known is used in everything else
(unit propagation).  If a formula and its negation are known, the goal follows.  Nothing is guessed,
so the answer is *yes* or *unknown*.

>>> from memhp.spec.language.terms import BOOL, SortRef, Symbol, Var, App, conj, implies, negate
>>> f, free = Var("f", SortRef("Frame"), "clean"), Symbol("free", (SortRef("Frame"),), BOOL, True)
>>> follows(implies(conj(App(free, (f,)), negate(App(free, (f,)))), App(free, (f,))), ())
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from memhp.spec.language.rewrite import folded, substitute
from memhp.spec.language.terms import (
    BOOL,
    FALSE,
    TRUE,
    App,
    Const,
    Op,
    Quantified,
    Term,
    Var,
    conj,
    disj,
    eq,
    implies,
    negate,
    quantified,
)

__all__ = ["follows"]


_REMEMBERED = 50_000
"""Of so many terms is remembered what is in them."""


def follows(goal: Term, facts: Iterable[Term], more: Iterable[Term] = ()) -> bool:
    """Whether propagation alone shows that the goal is true where the facts are.

    Args:
        goal: an expanded formula of one state; its unbound variables are constants.
        facts: likewise, over the same constants; those of the last calls are remembered.
        more: facts that few other goals have in common.
    """
    knowledge = _knowledge_of(tuple(facts)).copy()
    for fact in more:
        knowledge.suppose(fact)
    return all(knowledge.excludes(negate(case)) for case in _cases(goal))


def _cases(goal: Term) -> Iterator[Term]:
    """Goals that together say the same: each part of a conjunction, under each premise."""
    match goal:
        case Op(kind="and", args=args):
            for part in args:
                yield from _cases(part)
        case Op(kind="implies", args=(Op(kind="or", args=premises), conclusion)):
            for premise in premises:
                yield from _cases(implies(premise, conclusion))
        case Op(kind="implies", args=(premise, conclusion)):
            yield from (implies(premise, part) for part in _cases(conclusion))
        case Quantified(kind="forall", var=var, body=body):
            yield from (quantified("forall", var, part) for part in _cases(body))
        case _:
            yield goal


class _Knowledge:
    """The terms that are known to be true, to be false or to have a value; the open formulas."""

    def __init__(self) -> None:
        self._value: dict[Term, Const] = {}
        self._open: list[Term] = []
        self._absurd = False
        self._names = 0

    def copy(self) -> _Knowledge:
        """The same knowledge; what the copy learns later is not learned here."""
        other = _Knowledge()
        other._value, other._open = self._value.copy(), self._open.copy()
        other._absurd, other._names = self._absurd, self._names
        return other

    def excludes(self, formula: Term) -> bool:
        """Whether the formula cannot be true as well."""
        more = self.copy()
        more.suppose(formula)
        more._propagate()
        return more._absurd

    def suppose(self, formula: Term) -> None:
        """Learn that the formula is true."""
        todo = [formula]
        while todo and not self._absurd:
            part = self.reduced(todo.pop())
            match part:
                case Const():
                    self._absurd = part == FALSE
                case Op(kind="and", args=args):
                    todo += args
                case Op(kind="not", args=(Op(kind="or", args=args),)):
                    todo += map(negate, args)
                case Op(kind="not", args=(Op(kind="implies", args=(premise, conclusion)),)):
                    todo += (premise, negate(conclusion))
                case Quantified(kind="exists", var=var, body=body):
                    self._learn(part)
                    todo.append(self._named(var, body))
                case Op(kind="not", args=(Quantified(kind="forall", var=var, body=body),)):
                    self._learn(part)
                    todo.append(self._named(var, negate(body)))
                case Op(kind="ite", args=(condition, then, otherwise)):
                    todo += (implies(condition, then), disj(condition, otherwise))
                case _:
                    self._learn(part)

    def _named(self, var: Var, body: Term) -> Term:
        """``body`` of an element that there is, under a name that nothing else has."""
        self._names += 1
        return substitute(body, {var: replace(var, scope=f"{var.scope}!{self._names}")})

    def _learn(self, formula: Term) -> None:
        match formula:
            case Op(kind="not", args=(inner,)):
                self._value[inner] = FALSE
            case (
                Op(kind="eq", args=(Const() as const, term))
                | Op(kind="eq", args=(term, Const() as const))
            ):
                self._value[term] = const
                self._value[formula] = TRUE
            case _:
                self._value[formula] = TRUE
        if _says_more(formula):
            self._open.append(formula)

    def _propagate(self) -> None:
        """Look again at what is open, until it is absurd or nothing is learned."""
        size = -1
        while not self._absurd and len(self._value) > size:
            size = len(self._value)
            again, self._open = self._open, []
            for formula in again:
                self._forget(formula)
                self.suppose(formula)

    def _forget(self, formula: Term) -> None:
        """A formula must not be used on itself: it would vanish."""
        inner = formula.args[0] if isinstance(formula, Op) and formula.kind == "not" else formula
        self._value.pop(inner, None)

    def reduced(self, term: Term) -> Term:
        """The term, simpler where what is known decides a part of it."""
        if (value := self._value.get(term)) is not None:
            return value
        if isinstance(term, Var | Const):
            return term
        term = _alone(term)
        if self._value.keys().isdisjoint(_parts(term)):
            return term
        return self.rebuilt(term)

    def rebuilt(self, term: Term) -> Term:
        """The term, of parts that are as simple as what is known makes them."""
        match term:
            case App(symbol=symbol, args=args):
                applied = App(symbol, tuple(map(self.reduced, args)))
                return self._value.get(applied, applied)
            case Quantified(kind=kind, var=var, body=body):
                return quantified(kind, var, self.reduced(body))
            case Op():
                new = self._reduced(term)
                return self._value.get(new, new)
        return term

    def _reduced(self, term: Op) -> Term:
        args = tuple(map(self.reduced, term.args))
        match term.kind, args:
            case "eq", (Op(kind="ite") as chosen, Const() as const):
                return self._pushed(chosen, const)
            case "eq", (Const() as const, Op(kind="ite") as chosen):
                return self._pushed(chosen, const)
        return folded(term.kind, args)

    def _pushed(self, chosen: Op, const: Const) -> Term:
        """``ite(condition, then, otherwise) == const``, as a formula about either."""
        condition, then, otherwise = chosen.args
        return self.reduced(
            disj(conj(condition, eq(then, const)), conj(negate(condition), eq(otherwise, const)))
        )


@lru_cache(maxsize=512)
def _knowledge_of(facts: tuple[Term, ...]) -> _Knowledge:
    """The knowledge of those facts; to be copied."""
    knowledge = _Knowledge()
    for fact in facts:
        knowledge.suppose(fact)
    return knowledge


_NOTHING = _Knowledge()


@lru_cache(maxsize=_REMEMBERED)
def _alone(term: Term) -> Term:
    """The term, as simple as it is where nothing is known."""
    return _NOTHING.rebuilt(term)


@lru_cache(maxsize=_REMEMBERED)
def _parts(term: Term) -> frozenset[Term]:
    """All that knowledge of may decide a part of the term, itself included."""
    match term:
        case App(args=args) | Op(args=args):
            return frozenset((term,)).union(*map(_parts, args))
        case Quantified(body=body):
            return _parts(body) | {term}
    return frozenset((term,))


def _says_more(formula: Term) -> bool:
    """Whether more follows once a part of the formula is known: it has alternatives."""
    match formula:
        case Op(kind="or" | "implies" | "ite"):
            return True
        case Op(kind="eq", args=(left, _)):
            return left.sort == BOOL
        case Op(kind="not", args=(Op(kind="and" | "eq" | "ite"),)):
            return True
    return False
