"""Which of many candidates hold together: judged on one small machine, in one solver.

A candidate that some step breaks, though all that is known and all other candidates hold before
it, goes; then the others are judged without it, until no step breaks any (Houdini: C. Flanagan and
K. R. M. Leino, An Annotation Assistant for ESC/Java, 2001).  What is left is no proof for machines
of every size, but most of it is proved then, and what goes costs no proof that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from memhp.reference import Topology
from memhp.spec.language.rewrite import after, closed, expand, rebuild
from memhp.spec.language.system import Action, Property, System
from memhp.spec.language.terms import App, Const, Symbol, Term, Var, eq, negate

from ..proof.case import Case, Limits
from ..proof.counterexample import state_of
from ..proof.goals import symbols
from ..proof.obligations import Assumption, Obligation, Obligations
from ..proof.smt import declaration, ground, small_machine, some_of, text
from ..proof.solvers import Answer, Growing

__all__ = ["Together"]

SIZE = 2
"""So many elements of each sort the machine has at most."""
LIMIT = 2_000_000
"""The work that one question may cost, in z3's unit."""


@dataclass(frozen=True)
class _Judged:
    """A candidate: ``before`` is true only if it holds before the step.

    ``number`` tells its constants from those of others; ``reads`` names its symbols.
    """

    term: Term
    number: int
    reads: frozenset[str]

    @property
    def before(self) -> str:
        return f"before!{self.number}"

    def kept(self, written: frozenset[str]) -> str:
        """The constant that is true if it holds after a step that writes those symbols."""
        return f"kept!{self.number}!{'!'.join(sorted(written & self.reads))}"


class Together:
    """One small machine that satisfies all axioms, and what is known of the states before a step.

    Args:
        system: the specification.
        obligations: its.
        doubtful: names of invariants that may be assumed only where they are said to be.
    """

    def __init__(self, system: System, obligations: Obligations, doubtful: Collection[str]) -> None:
        self._system, self._obligations = system, obligations
        self._sizes = {sort.name: SIZE for sort in system.unbounded_sorts}
        self._doubtful = frozenset(doubtful)
        self._judged: dict[Term, _Judged] = {}
        self._told: set[str] = set()
        self._constants: set[Var] = set()
        self._asked = 0
        known = (*obligations.axioms, *obligations.invariants)
        lines = [*small_machine(system, self._sizes), *map(self._fact, known)]
        self._solver = Growing("\n".join(lines), LIMIT)

    def inductive(self, claims: Sequence[Property], known: Sequence[Assumption]) -> list[Property]:
        """Those of the claims that no step breaks, where they and what is known hold before it.

        Args:
            claims: *always* properties that do not count.
            known: other assumptions; of those that are doubtful, the ones that may be assumed.
        """
        each = {
            claim.name: self._candidate(expand(closed(claim), self._system)) for claim in claims
        }
        given = [self._mark(part) for part in known]
        alive = dict(each)
        cores: dict[str, frozenset[str]] = {}
        todo = list(self._system.action_by_name)
        while todo and alive:
            action = self._obligations.actions[todo.pop()]
            gone, cores[action.name] = self._broken(action, alive, given)
            for name in gone:
                del alive[name]
            marks = {each[name].before for name in gone}
            todo += [
                name
                for name, core in cores.items()
                if name not in todo and not marks.isdisjoint(core)
            ]
        return [claim for claim in claims if claim.name in alive]

    def _broken(
        self, action: Action, alive: Mapping[str, _Judged], given: Sequence[str]
    ) -> tuple[set[str], frozenset[str]]:
        """The candidates that the action breaks, and what the others rest on that it does not."""
        written = action.written
        left = {name: it for name, it in alive.items() if it.reads & written}
        gone: set[str] = set()
        taken = self._taken(action) if left else ""
        while left:
            kept = {name: self._kept(it, written) for name, it in left.items()}
            self._asked += 1
            some = f"some!{self._asked}"
            broken = " ".join(f"(not {mark})" for mark in kept.values())
            self._solver.tell(
                f"(declare-const {some} Bool)\n(assert (=> {some} (or false {broken})))"
            )
            held = (it.before for name, it in alive.items() if name not in gone)
            status, core = self._solver.ask((taken, some, *given, *held))
            if status != "sat":
                return gone, core
            true = self._solver.holds(list(kept.values()))
            new = {name for name, holds in zip(kept, true, strict=True) if not holds}
            gone |= new
            left = {name: it for name, it in left.items() if name not in new}
        return gone, frozenset()

    def counterexample(
        self, obligation: Obligation, known: Sequence[Assumption]
    ) -> tuple[Topology, tuple[int, ...]] | None:
        """A machine and its state in which the obligation fails; None if none is found.

        Args:
            obligation: about a step, or about any state.
            known: what may be assumed of the state; see `inductive`.
        """
        action = obligation.action
        names = [self._fails(obligation), *map(self._mark, known)]
        status, _ = self._solver.ask([self._taken(action), *names] if action else names)
        if status != "sat":
            return None
        model = self._solver.values(("state.", "topology.", "there"))
        small = Answer("sat", model=model)
        return state_of(
            self._system, Case(self._system, obligation, Limits(), small=small, sizes=self._sizes)
        )

    # --- what the solver is told ----------------------------------------------------------------

    def _fact(self, part: Assumption) -> str:
        """The text of an axiom or an invariant."""
        said = text(ground(part.term, self._sizes))
        if part.role != "always" or part.name not in self._doubtful:
            return f"(assert {said})"
        self._told.add(part.label)
        return f"(declare-const {part.label} Bool)\n(assert (=> {part.label} {said}))"

    def _mark(self, part: Assumption) -> str:
        """The constant that says that a doubtful invariant, or another candidate, holds before."""
        return part.label if part.label in self._told else self._candidate(part.term).before

    def _candidate(self, term: Term) -> _Judged:
        """The candidate, of which the solver knows."""
        if term not in self._judged:
            new = self._judged[term] = _Judged(term, len(self._judged), symbols(term))
            said = text(ground(term, self._sizes))
            self._solver.tell(
                f"(declare-const {new.before} Bool)\n(assert (=> {new.before} {said}))"
            )
        return self._judged[term]

    def _kept(self, candidate: _Judged, written: frozenset[str]) -> str:
        name = candidate.kept(written)
        if name not in self._told:
            self._told.add(name)
            said = text(ground(_next(candidate.term, written), self._sizes))
            self._solver.tell(f"(declare-const {name} Bool)\n(assert (= {name} {said}))")
        return name

    def _fails(self, obligation: Obligation) -> str:
        """The constant that says that the obligation's goal is false."""
        name = f"fails!{obligation.name}"
        if name not in self._told:
            self._told.add(name)
            said = text(negate(ground(obligation.small_goal, self._sizes)))
            lines = [*self._some(obligation.constants), f"(declare-const {name} Bool)"]
            self._solver.tell("\n".join([*lines, f"(assert (=> {name} {said}))"]))
        return name

    def _some(self, constants: Sequence[Var]) -> Iterator[str]:
        """The text that declares those constants of which the solver does not know."""
        new = [var for var in constants if var not in self._constants]
        self._constants |= {*new}
        return some_of(new, self._sizes)

    def _taken(self, action: Action) -> str:
        """The constant that says that the action is taken."""
        name = f"taken!{action.name}"
        if name not in self._told:
            self._told.add(name)
            self._solver.tell("\n".join(self._step(name, action)))
        return name

    def _step(self, name: str, action: Action) -> Iterator[str]:
        """The text of the action: its guards, and what it writes at each point."""
        yield from self._some(action.params)
        yield f"(declare-const {name} Bool)"
        said = [guard.condition for guard in action.guards]
        for symbol in dict.fromkeys(update.symbol for update in action.updates):
            if (later := _later(symbol)).name not in self._told:
                self._told.add(later.name)
                yield declaration(later)
            for point in self._points(symbol):
                said.append(eq(App(later, point), after(App(symbol, point), action)))
        for term in said:
            yield f"(assert (=> {name} {text(ground(term, self._sizes))}))"

    def _points(self, symbol: Symbol) -> Iterator[tuple[Const, ...]]:
        members = (s.members or map(str, range(self._sizes[s.name])) for s in symbol.domain)
        for point in product(*members):
            yield tuple(map(Const, point, symbol.domain))


def _later(symbol: Symbol) -> Symbol:
    """The symbol that has the values after the step."""
    return replace(symbol, name=f"later!{symbol.name}")


def _next(term: Term, written: frozenset[str]) -> Term:
    """The term about the state after a step that writes those symbols."""
    said = rebuild(term, lambda part: _next(part, written))
    if isinstance(said, App) and said.symbol.name in written:
        return App(_later(said.symbol), said.args)
    return said
