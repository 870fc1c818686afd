"""What a design changes: steps that are new, that it refuses, or that lead elsewhere.

Whether there is such a step is a question about the states that the design reaches.  That there is
none is proved from what is proved of the design; else a shortest trace to one is looked for.  As
long as the design takes the steps of its base in all its states, it reaches the same ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from memhp.reference import Machine, Refusal
from memhp.spec.language.rewrite import after, closed, expand
from memhp.spec.language.system import Action, Axiom, Property, System
from memhp.spec.language.terms import App, Symbol, Term, Var, conj, eq, negate

from ..proof.cache import Cache
from ..proof.case import Case, Limits
from ..proof.obligations import Assumption, Obligation
from ..proof.pool import Pool
from ..proof.rounds import decide
from ..search.localise import looked_for
from ..search.scopes import fitting, usual
from ..search.search import Witness

__all__ = ["Difference", "differences", "machines_differ", "touched"]

MAX_STATES = 200_000
"""After so many states of small machines the search for a shortest example gives up."""

Kind = Literal["new", "refused", "otherwise"]


@dataclass(frozen=True)
class Difference:
    """A step of an action that one of the designs takes, or where it leads, unlike the other.

    ``trace`` leads to a state in which it is so for the parameters ``point``; None where none was
    found.  ``refusal`` is why the other one refuses it there; None if it has no such action.
    ``changes`` names what is written otherwise.
    """

    kind: Kind
    action: Action
    trace: Witness | None
    refusal: Refusal | None = None
    changes: str = ""

    @property
    def point(self) -> tuple[int, ...]:
        """The parameters of the step in the example."""
        assert self.trace
        return self.trace.params[: len(self.action.params)]


@dataclass(frozen=True)
class _Question:
    """Whether the design reaches a state in which a step differs: ``claim`` says so."""

    kind: Kind
    action: Action
    other: Action | None
    """The action of the design that refuses, with expanded terms; None if there is none."""
    given: tuple[Term, ...]
    differs: Term
    params: tuple[Var, ...]
    changes: str = ""

    @property
    def claim(self) -> Property:
        name = f"{self.action.name}_{self.kind}_{self.changes}".rstrip("_")
        formula = conj(*self.given, self.differs)
        module, where = self.action.module, self.action.where
        doc = "A step differs."
        return Property(name, module, "sometimes", doc, self.params, formula, (), where)

    def obligation(self, assumed: tuple[Assumption, ...]) -> Obligation:
        """That no state is such."""
        guards = tuple(
            Assumption("guard", f"given{at}", term) for at, term in enumerate(self.given)
        )
        goal = negate(self.differs)
        return Obligation("step", None, None, (*guards, *assumed), goal, self.params)


def touched(base: System, system: System) -> list[str]:
    """The names of the actions and definitions that are the design's own, or not as they were."""
    own = [name for name in system.definitions if name not in base.definitions]
    return [*dict.fromkeys(each.action.name for each in _questions(base, system)), *own]


def differences(
    base: System,
    system: System,
    proved: Collection[str],
    *,
    folder: Path | None = None,
    jobs: int | None = None,
) -> list[Difference]:
    """The steps that differ, by action in declaration order; those that were shown not to are out.

    Args:
        base: the design that ``system`` begins with, in its symbols.
        system: the design.
        proved: the names of the *always* properties that are proved of it.
        folder: where answers of solvers are kept.
        jobs: processes; as many as there are cores by default.
    """
    questions = list(_questions(base, system))
    known = _known(system, proved)
    cases = [Case(system, question.obligation(known), Limits()) for question in questions]
    with Pool(Cache(folder), jobs) as pool:
        decide(cases, pool)
    open_ones = [q for q, case in zip(questions, cases, strict=True) if not case.proof]
    properties = (*system.properties, *(q.claim for q in open_ones))
    whole = replace(system, properties=properties, is_own=False)  # shortest examples are shown
    machines = list(fitting(whole, usual(whole).roomy).values())
    found = []
    for question in open_ones:
        trace, _ = looked_for(whole, machines, question.claim, max_states=MAX_STATES)
        refusal = _refusal(system, question, trace) if trace else None
        found.append(Difference(question.kind, question.action, trace, refusal, question.changes))
    return found


def machines_differ(base: System, system: System) -> list[str]:
    """Sentences on machines that only one of the designs has, or that boot otherwise."""
    sentences = []
    for name, goal, constants, axioms in _of_machines(base, system):
        assumed = tuple(Assumption("axiom", a.name, expand(closed(a), of)) for of, a in axioms)
        case = Case(system, Obligation("step", None, None, assumed, goal, constants), Limits())
        with Pool(Cache(), 1) as pool:
            decide([case], pool)
        if not case.proof:
            sentences.append(name)
    return sentences


def _of_machines(
    base: System, system: System
) -> Iterator[tuple[str, Term, tuple[Var, ...], list[tuple[System, Axiom]]]]:
    """What to show: the sentence if it cannot be, the goal, its constants, and the axioms."""
    old = {axiom.name: expand(closed(axiom), base) for axiom in base.axioms}
    new = {axiom.name: expand(closed(axiom), system) for axiom in system.axioms}
    before, now = ([(of, axiom) for axiom in of.axioms] for of in (base, system))
    for name, term in old.items():
        if new.get(name) != term:
            yield f"a machine need not satisfy {name}", term, (), now
    for name, term in new.items():
        if old.get(name) != term:
            yield f"a machine must satisfy {name}", term, (), before
    boot = {variable.symbol.name: variable for variable in system.variables}
    for variable in base.variables:
        other = boot[variable.symbol.name]
        was, becomes = expand(variable.initial, base), expand(other.initial, system)
        if was != becomes:
            sentence = f"{variable.symbol} is something else at boot"
            yield sentence, eq(was, becomes), variable.params, now


def _known(system: System, proved: Collection[str]) -> tuple[Assumption, ...]:
    invariants = (claim for claim in system.of_kind("always") if claim.name in proved)
    return (
        *(Assumption("always", each.name, expand(closed(each), system)) for each in invariants),
        *(Assumption("axiom", each.name, expand(closed(each), system)) for each in system.axioms),
    )


def _questions(base: System, system: System) -> Iterator[_Question]:
    for action in system.actions:
        was = base.action_by_name.get(action.name)
        if was is None or was.params != action.params:
            new = _ready(action, system)
            yield _Question("new", action, None, (), _enabled(new), action.params)
        else:
            yield from _of_action(base.state, _ready(was, base), _ready(action, system))
    for action in base.actions:
        now = system.action_by_name.get(action.name)
        if now is None or now.params != action.params:
            old = _ready(action, base)
            yield _Question("refused", old, None, (), _enabled(old), action.params)


def _of_action(state: Collection[str], old: Action, new: Action) -> Iterator[_Question]:
    were, are = (tuple(g.condition for g in each.guards) for each in (old, new))
    if {*were} != {*are}:
        yield _Question("new", new, old, are, negate(conj(*were)), new.params)
        yield _Question("refused", new, new, were, negate(conj(*are)), new.params)
    symbols = dict.fromkeys(each.symbol for each in (*old.updates, *new.updates))
    for symbol in symbols:
        if symbol.name in state and _writes(old, symbol) != _writes(new, symbol):
            at_any = tuple(Var(f"x{i}", sort, "point") for i, sort in enumerate(symbol.domain))
            value = App(symbol, at_any)
            differs = negate(eq(after(value, old), after(value, new)))
            given, params = (*were, *are), (*new.params, *at_any)
            yield _Question("otherwise", new, None, given, differs, params, symbol.name)


def _writes(action: Action, symbol: Symbol) -> list[tuple[object, ...]]:
    return [
        (each.point, each.variables, each.condition, each.value)
        for each in action.updates
        if each.symbol == symbol
    ]


def _ready(action: Action, system: System) -> Action:
    """The action without definitions."""
    guards = tuple(replace(g, condition=expand(g.condition, system)) for g in action.guards)
    updates = tuple(
        replace(
            each,
            point=each.point and tuple(expand(term, system) for term in each.point),
            condition=expand(each.condition, system),
            value=expand(each.value, system),
        )
        for each in action.updates
    )
    return replace(action, guards=guards, updates=updates)


def _enabled(action: Action) -> Term:
    return conj(*(guard.condition for guard in action.guards))


def _refusal(system: System, question: _Question, trace: Witness) -> Refusal | None:
    """Why the other design refuses the step at the end of the trace."""
    if question.other is None:
        return None
    actions = (*(a for a in system.actions if a.name != question.other.name), question.other)
    other = replace(system, actions=actions)
    state = trace.replay(system)[-1].values
    point = trace.params[: len(question.action.params)]
    outcome = Machine(other, trace.topology, state).step(question.action.name, *point)
    return outcome if isinstance(outcome, Refusal) else None
