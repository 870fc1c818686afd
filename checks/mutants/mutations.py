"""Mutations: small mistakes, made one at a time in the actions and definitions of a system.

Each is an edit of one term, or of the order or the errno of guards, found by walking
over the declarations; none is written by hand.  What is the same after
simplification as the original, or as a mutant before it, is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from errno import EACCES, EPERM
from itertools import pairwise
from typing import Literal, get_args

from memhp.spec.language.errnos import errorcode
from memhp.spec.language.rewrite import rebuild
from memhp.spec.language.system import (
    Action,
    Definition,
    Guard,
    System,
    Update,
)
from memhp.spec.language.terms import (
    TRUE,
    App,
    Call,
    Const,
    Op,
    Quantified,
    Symbol,
    Term,
    Var,
    conj,
    disj,
    quantified,
)

__all__ = ["KINDS", "Kind", "Mutant", "mutants"]

Kind = Literal[
    "guard", "update", "operand", "constant", "conjunct", "quantifier", "order", "errno", "empty"
]
"""What kind of mistake a mutant is.

A *guard* or an *update* is dropped; an *operand* (a symbol, a definition, a variable)
is another of its signature or sort, a *constant* another of its enumeration; a
*conjunct* (or a disjunct, or a premise) is dropped, or what bounds a *quantifier*;
two guards are asked in another *order*, or one answers another *errno*; a
definition is *empty*: it always says the same.
"""

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds."""


@dataclass(frozen=True)
class Mutant:
    """One mistake: ``part`` of the action or definition ``owner``; ``change`` says what.

    ``declaration`` is what the owner has become.
    """

    kind: Kind
    owner: str
    part: str
    change: str
    declaration: Action | Definition = field(compare=False, repr=False)

    def __str__(self) -> str:
        part = f", {self.part}" if self.part else ""
        return f"{self.owner}{part}: {self.change}"

    def of(self, system: System) -> System:
        """The system with the mistake in it."""
        new = self.declaration
        if isinstance(new, Definition):
            return replace(system, definitions={**system.definitions, new.name: new})
        actions = tuple(new if action.name == new.name else action for action in system.actions)
        return replace(system, actions=actions)


def mutants(
    system: System, only: Collection[str] | None = None, kinds: Collection[str] = KINDS
) -> list[Mutant]:
    """The mutants of the system in declaration order, one kind after the other.

    A definition that properties alone use is no part of what the machine does: with
    another body they would say something else, and that is no mistake of the machine.

    Args:
        only: names of the actions and definitions to change; all without it.
        kinds: some of `KINDS`.
    """
    chosen: list[Mutant] = []
    owners: list[Action | Definition] = [*_used(system), *system.actions]
    for owner in owners:
        if only is None or owner.name in only:
            edits = _Edits(system, owner.name)
            candidates = edits.of_action(owner) if isinstance(owner, Action) else edits.of(owner)
            chosen += _new(owner, (mutant for mutant in candidates if mutant.kind in kinds))
    return chosen


def _used(system: System) -> Iterator[Definition]:
    """The definitions that an action uses, and those that no property does, but operations."""
    in_actions, in_properties = set[str](), set[str]()
    for action in system.actions:
        conditions = [guard.condition for guard in action.guards]
        for term in (*conditions, *(term for update in action.updates for term in update.terms)):
            in_actions |= system.definitions_in(term)
    for claim in system.properties:
        work = (claim.ending.during, claim.ending.left) if claim.ending else ()
        for term in (claim.formula, *work):
            in_properties |= system.definitions_in(term)
    return (
        d
        for name, d in system.definitions.items()
        if name in in_actions or name not in in_properties
    )


def _new(owner: Action | Definition, candidates: Iterable[Mutant]) -> Iterator[Mutant]:
    """Those that are as nothing before them, with names of their own."""
    seen: set[object] = {_content(owner)}
    names: dict[str, int] = {}
    for mutant in candidates:
        content = _content(mutant.declaration)
        if content not in seen:
            seen.add(content)
            number = names[str(mutant)] = names.get(str(mutant), 0) + 1
            times = f" ({number})" if number > 1 else ""
            yield replace(mutant, change=mutant.change + times)


def _content(owner: Action | Definition) -> object:
    if isinstance(owner, Definition):
        return owner.body
    guards = tuple((guard.name, guard.condition, guard.errno) for guard in owner.guards)
    return guards, tuple((u.symbol, u.point, u.condition, u.value) for u in owner.updates)


@dataclass(frozen=True)
class _Edits:
    """The edits of the declaration named ``owner``."""

    system: System
    owner: str

    def of(self, definition: Definition) -> Iterator[Mutant]:
        """The mutants of a definition."""
        values = [Const(name, definition.body.sort) for name in definition.body.sort.members or ()]
        for value in values:
            changed = replace(definition, body=value)
            yield Mutant("empty", definition.name, "", f"always {value}", changed)
        for kind, change, body in self._terms(definition.body, definition.params):
            yield Mutant(kind, definition.name, "", change, replace(definition, body=body))

    def of_action(self, action: Action) -> Iterator[Mutant]:
        """The mutants of an action."""
        yield from _without_a_part(action)
        yield from _other_answers(action)
        for guard in action.guards:
            for kind, change, term in self._terms(guard.condition, action.params):
                changed = _with_guard(action, guard, replace(guard, condition=term))
                yield Mutant(kind, action.name, f"guard {guard.name}", change, changed)
        for update in action.updates:
            for kind, change, other in self._of_update(update, action.params):
                updates = tuple(other if each is update else each for each in action.updates)
                part = f"update {update.symbol}"
                yield Mutant(kind, action.name, part, change, replace(action, updates=updates))

    def _of_update(
        self, update: Update, params: Sequence[Var]
    ) -> Iterator[tuple[Kind, str, Update]]:
        scope = (*params, *update.variables)
        for at, part in enumerate(update.point or ()):
            for kind, change, term in self._terms(part, scope):
                point = tuple(term if i == at else p for i, p in enumerate(update.point or ()))
                yield kind, f"{change}, where it writes", replace(update, point=point)
        if update.condition != TRUE:
            for kind, change, term in self._terms(update.condition, scope):
                yield kind, f"{change}, where it writes", replace(update, condition=term)
        for kind, change, term in self._terms(update.value, scope):
            yield kind, change, replace(update, value=term)

    def _terms(
        self, term: Term, scope: Sequence[Var], bound: bool = False
    ) -> Iterator[tuple[Kind, str, Term]]:
        """The term with one mistake in it: kind, what it is, and the whole term."""
        match term:
            case Var():
                for var in scope:
                    if var.sort == term.sort and var != term:
                        yield "operand", f"{term} is {var}", var
            case Const(name=name, sort=sort):
                for member in sort.members or ():
                    if member != name:
                        other = Const(member, sort)
                        yield "constant", f"{term} is {other}", other
            case App(symbol=symbol, args=args):
                for like in self._like(symbol):
                    yield "operand", f"{term} reads {like}", App(like, args)
            case Call(name=name, args=args, sort=sort):
                for called in self._called_like(term):
                    yield "operand", f"{term} is {called}", Call(called, args, sort)
            case Op(kind="and" | "or" | "implies"):
                yield from _without_a_condition(term, bound)
        yield from self._below(term, scope)

    def _below(self, term: Term, scope: Sequence[Var]) -> Iterator[tuple[Kind, str, Term]]:
        """The mistakes in the parts of the term."""
        if isinstance(term, Quantified):
            for kind, change, body in self._terms(term.body, (*scope, term.var), True):
                yield kind, change, quantified(term.kind, term.var, body)
            return
        for at, part in enumerate(_parts(term)):
            for kind, change, new in self._terms(part, scope):
                changed = _with_part(term, at, new)
                within = f"{change} in {term}" if isinstance(part, Var | Const) else change
                yield kind, within, changed

    def _like(self, symbol: Symbol) -> Iterator[Symbol]:
        """Other symbols of the same signature: state for state, topology for topology."""
        state = (variable.symbol for variable in self.system.variables)
        for other in state if symbol.is_state else self.system.topology:
            if (other.domain, other.range) == (symbol.domain, symbol.range) and other != symbol:
                yield other

    def _called_like(self, call: Call) -> Iterator[str]:
        """Other definitions of the same signature, that do not use the one that is edited."""
        sorts = tuple(arg.sort for arg in call.args)
        for other in self.system.definitions.values():
            same = tuple(var.sort for var in other.params) == sorts
            uses = {other.name} | self.system.definitions_in(other.body)
            if same and other.body.sort == call.sort and not {call.name, self.owner} & uses:
                yield other.name


def _without_a_part(action: Action) -> Iterator[Mutant]:
    for guard in action.guards:
        guards = tuple(each for each in action.guards if each is not guard)
        changed = replace(action, guards=guards)
        yield Mutant("guard", action.name, f"guard {guard.name}", "dropped", changed)
    for name in dict.fromkeys(update.symbol.name for update in action.updates):
        rest = tuple(update for update in action.updates if update.symbol.name != name)
        changed = replace(action, updates=rest)
        yield Mutant("update", action.name, f"update {name}", "dropped", changed)


def _other_answers(action: Action) -> Iterator[Mutant]:
    for at, (first, second) in enumerate(pairwise(action.guards)):
        if first.errno != second.errno:
            guards = (*action.guards[:at], second, first, *action.guards[at + 2 :])
            change = f"asked after {second.name}"
            changed = replace(action, guards=guards)
            yield Mutant("order", action.name, f"guard {first.name}", change, changed)
    for guard in action.guards:
        if guard.errno is not None:
            other = EACCES if guard.errno == EPERM else EPERM
            change = f"{errorcode[guard.errno]} is {errorcode[other]}"
            changed = _with_guard(action, guard, replace(guard, errno=other))
            yield Mutant("errno", action.name, f"guard {guard.name}", change, changed)


def _with_guard(action: Action, old: Guard, new: Guard) -> Action:
    return replace(action, guards=tuple(new if each is old else each for each in action.guards))


def _without_a_condition(term: Op, bound: bool) -> Iterator[tuple[Kind, str, Term]]:
    kind: Kind = "quantifier" if bound else "conjunct"
    if term.kind == "implies":
        yield kind, f"without {term.args[0]} ->", term.args[1]
        return
    join = conj if term.kind == "and" else disj
    for at, part in enumerate(term.args):
        yield kind, f"without {part}", join(*term.args[:at], *term.args[at + 1 :])


def _parts(term: Term) -> tuple[Term, ...]:
    return term.args if isinstance(term, App | Call | Op) else ()


def _with_part(term: Term, at: int, new: Term) -> Term:
    """The term with another part at that place, simplified where that is trivial."""
    places = iter(range(len(_parts(term))))
    return rebuild(term, lambda part: new if next(places) == at else part)
