"""What notices a mutant, if anything does.

In this order: a property, on sampled states or on a small machine; a step that is
possible in a reached state and changes nothing; a *sometimes* that is no longer reached,
or not as soon; the table of refusals, for an errno or an order; an *ends* property; the
engine, in lock step.  A mutant that no state tells apart from the specification is the
*same*; of any other a reason must be written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Literal

from memhp.engine.target import EngineTarget
from memhp.reference.compile import Program
from memhp.reference.shapes import AnyShape
from memhp.spec.language import Definition, Property, System
from memhp.spec.language.system import ENABLED, Action
from memhp.spec.mutants import Reason
from memhp.spec.refusals import REFUSALS, refusals

from ..fuzz.rules import RULES
from ..fuzz.topologies import SHAPES, built
from ..fuzz.walk import Workload, walk
from ..proof.case import uniform
from ..search.localise import Spent, shortest
from ..search.scopes import usual
from ..search.search import Witness
from ..search.usual import reach
from ..support.parallel import each
from .mutations import KINDS, Mutant, mutants
from .refutation import Refuter
from .samples import Samples, Seen, users

__all__ = ["Judge", "Judgement", "judge_all", "unused"]

MAX_STATES = 3_000_000
"""After how many states of a small machine a search for a trace gives up."""
LOCK_STEPS = 1_000
"""How many operations the engine does in lock step with a mutant, on each topology."""
REFUSED = (0.2, 0.7)
"""The share of them that is to be refused: in one walk few, in another most."""
OFTEN = 40
"""The weight, in all, that steps get beside their own which a mutant touches."""
FRAMES = 4
"""On how many frames two folios move at once."""
_WITH_ROOM = {"Frame": 4, "Range": 4, "HugeFolio": 3}
"""As many ranges as a huge folio needs that moves beside another, and may have lain elsewhere."""

Notice = Literal[
    "property",
    "idle step",
    "sometimes",
    "refusals",
    "ends",
    "engine",
    "same",
    "reason",
    "nothing",
    "stale reason",
]


@dataclass(frozen=True)
class Judgement:
    """What notices a mutant: ``by`` names the property, the idle step, or gives the reason."""

    mutant: Mutant
    notice: Notice
    by: str = ""

    @property
    def accounted(self) -> bool:
        """Whether something notices the mutant, or a reason is written; not both."""
        return self.notice not in ("nothing", "stale reason")


def judge_all(
    judge: Judge,
    only: Collection[str] | None = None,
    kinds: Collection[str] = KINDS,
    jobs: int | None = None,
) -> Iterator[Judgement]:
    """The judgements of the mutants, declaration by declaration, as they become known.

    Args:
        judge: of their system.
        only: names of the actions and definitions whose mutants are judged; all without it.
        kinds: some of `KINDS`.
        jobs: how many processes; all cores without it.
    """
    by_owner: dict[str, list[Mutant]] = {}
    for mutant in mutants(judge.system, only, kinds):
        by_owner.setdefault(mutant.owner, []).append(mutant)
    for judgements in each(_judge, judge, list(by_owner.values()), jobs):
        yield from judgements


def _judge(judge: Judge, chosen: Sequence[Mutant]) -> list[Judgement]:
    return [judge.judge(mutant) for mutant in chosen]


def unused(reasons: Sequence[Reason], judgements: Sequence[Judgement]) -> list[Reason]:
    """The reasons that account for none of the mutants, all of which were judged."""
    used = {judgement.by for judgement in judgements if judgement.notice == "reason"}
    return [reason for reason in reasons if reason.why not in used]


@dataclass
class Judge:
    """Finds out what notices a mutant of a system.

    Attributes:
        system: proved.
        reasons: why mutants that nothing notices are right.
        may_repeat: names of actions whose steps may change nothing.
        folder: where the traces of *sometimes* properties are kept.
        shapes: the machines to look for them on; the usual ones by default.
        alone: the system is a design of one's own, which the table of refusals and the engine
            do not know.
    """

    system: System
    reasons: Sequence[Reason] = ()
    may_repeat: Collection[str] = ()
    folder: Path | None = None
    shapes: Sequence[AnyShape] | None = None
    alone: bool = False

    def judge(self, mutant: Mutant) -> Judgement:
        """The judgement: what notices the mutant first; if nothing does, the reason, if any.

        The engine, which is no part of a proof, is asked only where there is no reason.  A reason
        for this very mutant is stale if anything else notices it.
        """
        reason = next(
            (each for each in self.reasons if each.is_about(mutant.kind, str(mutant))), None
        )
        witnesses = (
            (notice, look)
            for notice, look in _Change(self, mutant).witnesses()
            if notice != "engine" or not reason
        )
        noticed = (Judgement(mutant, notice, by) for notice, look in witnesses if (by := look()))
        judgement = next(noticed, Judgement(mutant, "nothing"))
        if judgement.notice == "nothing" and reason:
            return Judgement(mutant, "reason", reason.why)
        if judgement.notice != "nothing" and reason and reason.is_exact:
            return Judgement(mutant, "stale reason", f"{judgement.notice}: {judgement.by}")
        return judgement

    def breaks(self, mutant: Mutant) -> str:
        """The name of the first property whose proof fails for the mutant; empty if none does."""
        witnesses = _Change(self, mutant).witnesses()
        proofs = (look for notice, look in witnesses if notice in ("property", "ends"))
        return next((by for look in proofs if (by := look())), "")

    @cached_property
    def traces(self) -> dict[str, Witness]:
        """A shortest trace for each *sometimes* property of the system that is reached, by name."""
        claims = list(self.system.of_kind("sometimes"))
        return reach(self.system, claims, folder=self.folder, shapes=self.shapes)[0]

    @cached_property
    def samples(self) -> Samples:
        """States of the machines on which the traces are looked for, and the steps from there."""
        shapes = usual(self.system).roomy if self.shapes is None else self.shapes
        return Samples(self.system, [shape.build(self.system) for shape in shapes])

    @cached_property
    def refuter(self) -> Refuter:
        """Asks a solver whether a proof of the system fails for a mutant."""
        return Refuter(self.system)


class _Change:
    """A mutant, and what it touches."""

    def __init__(self, judge: Judge, mutant: Mutant) -> None:
        self._judge, self._mutant = judge, mutant
        self._system = judge.system
        self._changed = mutant.of(judge.system)
        self._new = mutant.declaration
        if isinstance(self._new, Definition):
            self._actions, claims = users(judge.system, mutant.owner)
        else:
            self._actions, (_, claims) = [mutant.owner], users(judge.system, ENABLED + mutant.owner)
        kinds = {claim.name: claim.kind for claim in self._system.properties}
        self._claims = [name for name in claims if kinds[name] in ("always", "step")]
        self._sometimes = {name for name in claims if kinds[name] == "sometimes"}
        self._endings = [name for name in claims if kinds[name] == "ends"]

    def witnesses(self) -> Iterator[tuple[Notice, Callable[[], str]]]:
        """Who may notice, in order: cheap before dear, and each a function that names what does."""
        if self._mutant.kind in ("order", "errno"):
            yield "refusals", self._other_refusals
            return
        seen = self._judge.samples.look(self._changed, self._actions, self._claims)
        yield "property", lambda: seen.broken
        yield "idle step", lambda: self._idle(seen)
        if seen.lost or self._sometimes:
            yield "sometimes", self._out_of_reach
        two, three = uniform(self._system, 2), uniform(self._system, 3)
        yield "property", lambda: self._broken(two)
        if not seen.lost:
            yield "sometimes", self._out_of_reach
        yield "same", self._same
        yield "ends", self._ending_fails
        moving = {**two, "Frame": FRAMES}
        yield "property", lambda: self._broken(moving)
        if self._claims:
            yield "property", lambda: self._broken_beside(moving)
        yield "property", lambda: self._broken(three)
        if any(var.sort.name in _WITH_ROOM for var in self._new.params):
            yield "property", lambda: self._broken({**two, **_WITH_ROOM})
        if not self._judge.alone:
            yield "engine", self._engine_differs

    def _other_refusals(self) -> str:
        """The table says otherwise than the action."""
        assert isinstance(self._new, Action)
        name = self._new.name
        return f"refusals of {name}" if REFUSALS.get(name) != refusals(self._new) else ""

    def _idle(self, seen: Seen) -> str:
        """A step that is taken in vain, and was not."""
        return f"{seen.idle} in vain" if seen.idle not in ("", *self._judge.may_repeat) else ""

    def _out_of_reach(self) -> str:
        """A *sometimes* that the mutant does not reach in as many steps as the system does."""
        traces = sorted(self._judge.traces.items(), key=lambda each: len(each[1].steps))
        for name, trace in traces:
            touched = name in self._sometimes or any(a in self._actions for a, _ in trace.steps)
            claim = self._changed.property_by_name[name]
            if touched and not self._replays(trace, claim) and not self._as_soon(claim, trace):
                return name
        return ""

    def _replays(self, trace: Witness, claim: Property) -> bool:
        """The trace is one of the mutant, too, and shows the property."""
        program = Program(self._changed, trace.topology)
        state = before = list(program.initial)
        for action, point in trace.steps:
            before, state = state, state.copy()
            if program.action(action).step(state, *point):
                return False
        return bool(program.cases(claim.name)(*([before, state] if claim.of_step else [state])))

    def _as_soon(self, claim: Property, trace: Witness) -> bool:
        """The *sometimes* is reached in as many steps there, as far as the budget can tell."""
        depth = len(trace.steps)
        try:
            again = shortest(
                self._changed, [trace.topology], claim, max_states=MAX_STATES, depth=depth
            )
        except Spent:
            return True
        return again is not None

    def _broken(self, sizes: Mapping[str, int]) -> str:
        """A property whose proof fails, on a machine of at most those sizes."""
        if isinstance(self._new, Action):
            names = [claim.name for claim in self._system.of_kind("always", "step")]
            refuter = self._judge.refuter
            by_step = refuter.broken_by(self._new, names, sizes)
            return by_step or refuter.broken_at_boot(self._changed, self._claims, sizes)
        return self._judge.refuter.broken_in(self._changed, self._actions, self._claims, sizes)

    def _broken_beside(self, sizes: Mapping[str, int]) -> str:
        """A property that says otherwise now, and that an action breaks which is as it was."""
        return self._judge.refuter.broken_beside(self._changed, self._actions, self._claims, sizes)

    def _ending_fails(self) -> str:
        named = [
            claim.name
            for claim in self._system.of_kind("ends")
            if claim.ending and set(self._actions) & set(claim.ending.by)
        ]
        chosen = dict.fromkeys([*self._endings, *named])
        return self._judge.refuter.ending_fails(self._changed, chosen)

    def _same(self) -> str:
        """Proof that nothing can tell the mutant apart."""
        refuter = self._judge.refuter
        if isinstance(self._new, Action):
            same = refuter.same_action(self._new)
        elif refuter.same_definition(self._new):
            same = True
        elif self._endings or not refuter.same_use(self._changed, self._actions):
            return ""
        elif refuter.same_claims(self._changed, [*self._claims, *sorted(self._sometimes)]):
            return "no action and no property that uses it tells it apart"
        else:
            return ""
        return "no state that the invariants allow tells it apart" if same else ""

    def _engine_differs(self) -> str:
        touched = [rule.name for rule in RULES if rule.name in self._actions]
        often = [
            replace(rule, weight=rule.weight + OFTEN // len(touched))
            if rule.name in touched
            else rule
            for rule in RULES
        ]
        drawn = (RULES, often) if touched else (RULES,)
        for rules, refused, name in product(drawn, REFUSED, SHAPES):
            workload = Workload(rules, refused)
            last = self._last_of_walk(self._changed, name, workload)
            if last and not self._last_of_walk(self._system, name, workload):
                return f"{name}, {last}"
        return ""

    def _last_of_walk(self, system: System, name: str, workload: Workload) -> str:
        """The operation in which the engine differs from the system; none if it does not."""
        divergence = walk(
            system,
            EngineTarget(),
            built(name),
            steps=LOCK_STEPS,
            workload=workload,
            shrink=False,
        ).divergence
        return divergence.operations[-1][0] if divergence else ""
