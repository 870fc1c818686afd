"""The model that is searched: places, what each step needs and writes, what is watched.

Everything is ground: one `Instance` for each action and choice of parameters
that can ever be taken.  Which values a place can have at all is found first, by
letting every step that is possible for some of them add what it writes, until
nothing is new; what can have one value only disappears.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memhp.reference import Topology
from memhp.reference.compile import Program
from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import Action, Property, System, Update
from memhp.spec.language.terms import Next, subterms

from .formulas import (
    FALSE,
    TRUE,
    Cases,
    Formula,
    Formulas,
    places,
    possible,
)
from .grounding import NUMBERS, Bindings, Grounding, bit, value_of
from .symmetry import Swap

__all__ = [
    "Instance",
    "Model",
    "Problem",
    "Watch",
    "Write",
    "after_step",
    "build",
    "cases",
    "later_symbols",
    "update_writes",
]


@dataclass(frozen=True)
class Write:
    """``place := value`` if the condition holds in the state before the step."""

    place: int
    when: Formula
    cases: Cases

    @property
    def reads(self) -> frozenset[int]:
        """The places on which it depends whether and what is written."""
        return places(self.when).union(*map(places, self.cases.values()))


@dataclass(frozen=True)
class Instance:
    """One step: an action with its parameters.

    ``writes`` happen together; of two to one place the later one counts.
    ``overflow`` says when a counter would leave the numbers that it is given.
    """

    action: str
    point: tuple[int, ...]
    guard: Formula
    writes: tuple[Write, ...]
    overflow: Formula

    @property
    def reads(self) -> frozenset[int]:
        """The places on which the step, or what it writes, depends."""
        reads = places(self.guard) | places(self.overflow)
        for write in self.writes:
            reads |= write.reads
        return reads


@dataclass(frozen=True)
class Watch:
    """When a property is violated, or (for *sometimes*) reached, for some parameters.

    ``instance`` is the step at which a *step* property is violated so.
    """

    claim: Property
    when: Formula
    instance: int | None = None


@dataclass(frozen=True)
class Problem:
    """The work of an *ends* property, for one choice of the parameters that ``during`` has.

    ``left`` says of each element of the work when it is still to do; ``point``, the
    parameters, -1 for those that are the elements; ``helping`` and ``unless``, the
    numbers of the instances of those actions.
    """

    claim: Property
    point: tuple[int, ...]
    left: tuple[Formula, ...]
    helping: frozenset[int]
    unless: frozenset[int]


@dataclass(frozen=True)
class Model:
    """A system on a topology, ground and folded.

    ``domains`` are the values that each place can have, as sets of bits;
    ``symmetries``, exchanges of elements that change nothing; ``begins_inside`` says that
    every counter has one of its numbers at boot.
    """

    system: System
    topology: Topology
    grounding: Grounding
    domains: tuple[int, ...]
    initial: tuple[int, ...]
    instances: tuple[Instance, ...]
    claims: tuple[Property, ...]
    watches: tuple[Watch, ...]
    problems: tuple[Problem, ...]
    symmetries: tuple[Swap, ...]
    begins_inside: bool


def build(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    *,
    numbers: int = NUMBERS,
    symmetries: Sequence[Swap] = (),
) -> Model:
    """The model of the system on the topology; what never changes is folded away.

    Args:
        claims: the properties to watch; those of kind *ends* without symmetries only.
        numbers: how many values a counter is given, from `LOWEST` on.
        symmetries: exchanges of elements under which the values of the places are to be closed.
    """
    grounding = Grounding(system, topology, numbers)
    initial = Program(system, topology).initial
    raw = [instance for action in system.actions for instance in _instances(grounding, action)]
    begins_inside = all(grounding.fits(place, value) for place, value in enumerate(initial))
    domains = _reachable(grounding, initial, raw, symmetries)
    grounding.use(Formulas(domains))
    memo: dict[Formula, Formula] = {}
    folded = (_folded(grounding, instance, memo) for instance in raw)
    instances = tuple(instance for instance in folded if instance.guard is not FALSE)
    watched = tuple(claim for claim in claims if claim.kind != "ends")
    watches = tuple(_watches(grounding, watched, instances))
    endings = [claim for claim in claims if claim.kind == "ends"]
    problems = tuple(p for claim in endings for p in _problems(grounding, claim, instances))
    return Model(
        system,
        topology,
        grounding,
        tuple(domains),
        tuple(initial),
        instances,
        watched,
        watches,
        problems,
        tuple(symmetries),
        begins_inside,
    )


# --- steps ----------------------------------------------------------------------------------------


def _instances(grounding: Grounding, action: Action) -> Iterator[Instance]:
    formulas = grounding.formulas
    for bound in grounding.bindings(action.params):
        guard: Formula = TRUE
        for part in action.guards:
            guard = formulas.conj([guard, grounding.formula(part.condition, bound)])
            if guard is FALSE:
                break
        if guard is FALSE:
            continue
        writes = [w for update in action.updates for w in update_writes(grounding, update, bound)]
        overflow = formulas.disj(
            formulas.conj([guard, write.when, when])
            for write in writes
            for value, when in write.cases.items()
            if not grounding.fits(write.place, value)
        )
        yield Instance(action.name, tuple(bound.values()), guard, tuple(writes), overflow)


def update_writes(grounding: Grounding, update: Update, bound: Bindings) -> Iterator[Write]:
    """What the update writes, place by place, where the action's parameters are bound so."""
    if update.point is not None:
        args = [grounding.cases(term, bound) for term in update.point]
        value = grounding.cases(update.value, bound)
        for point, when in _points(grounding.formulas, args):
            yield Write(grounding.place(update.symbol, point), when, value)
        return
    for here in grounding.bindings(update.variables):
        everything = {**bound, **here}
        when = grounding.formula(update.condition, everything)
        if when is not FALSE:
            place = grounding.place(update.symbol, tuple(here.values()))
            yield Write(place, when, grounding.cases(update.value, everything))


def _points(formulas: Formulas, args: Sequence[Cases]) -> Iterator[tuple[tuple[int, ...], Formula]]:
    if not args:
        yield (), TRUE
        return
    for value, when in args[0].items():
        for rest, other in _points(formulas, args[1:]):
            both = formulas.conj([when, other])
            if both is not FALSE:
                yield (value, *rest), both


# --- values ---------------------------------------------------------------------------------------


def _reachable(
    grounding: Grounding,
    initial: Sequence[int],
    instances: Sequence[Instance],
    symmetries: Sequence[Swap],
) -> list[int]:
    """For each place the values that it may ever have, or a few more."""
    sorts = grounding.sorts
    domains = [1 << bit(sort, value) for sort, value in zip(sorts, initial, strict=True)]
    full = grounding.formulas.domains
    changed = True
    while changed:
        changed = _mirrored(grounding, domains, symmetries)
        for instance in instances:
            if not possible(instance.guard, domains):
                continue
            for write in instance.writes:
                if domains[write.place] == full[write.place]:
                    continue
                new = _written(grounding, instance.guard, write, domains)
                if new & ~domains[write.place]:
                    domains[write.place] |= new
                    changed = True
    return domains


def _mirrored(grounding: Grounding, domains: list[int], symmetries: Sequence[Swap]) -> bool:
    """Add to each place's values the images of those of its images; whether any is new."""
    changed = False
    for swap in symmetries:
        for place, domain in enumerate(domains):
            image, sort = grounding.image(swap, place), grounding.sorts[place]
            numbers = (n for n in range(domain.bit_length()) if domain >> n & 1)
            mirrored = sum(1 << bit(sort, swap.of(sort, value_of(sort, n))) for n in numbers)
            changed |= bool(mirrored & ~domains[image])
            domains[image] |= mirrored
    return changed


def _written(grounding: Grounding, guard: Formula, write: Write, domains: Sequence[int]) -> int:
    if not possible(write.when, domains):
        return 0
    values = 0
    for value, when in write.cases.items():
        if not grounding.fits(write.place, value):
            continue
        needed = grounding.formulas.conj([guard, write.when, when])
        if possible(needed, domains):
            values |= 1 << bit(grounding.sorts[write.place], value)
    return values


def _folded(grounding: Grounding, instance: Instance, memo: dict[Formula, Formula]) -> Instance:
    """The instance for narrower domains, with only the values that can be written."""
    formulas = grounding.formulas
    guard = formulas.rewritten(instance.guard, memo)
    writes: list[Write] = []
    for write in instance.writes:
        when = formulas.rewritten(write.when, memo)
        premise = formulas.conj([guard, when])
        there = {v: formulas.rewritten(w, memo) for v, w in write.cases.items()}
        cases = {
            value: case
            for value, case in there.items()
            if grounding.fits(write.place, value) and formulas.conj([premise, case]) is not FALSE
        }
        if cases:
            writes.append(Write(write.place, when, cases))
    overflow = formulas.rewritten(instance.overflow, memo)
    return Instance(instance.action, instance.point, guard, tuple(writes), overflow)


# --- properties -----------------------------------------------------------------------------------


def _watches(
    grounding: Grounding, claims: Sequence[Property], instances: Sequence[Instance]
) -> Iterator[Watch]:
    grounding.across({})
    for claim in claims:
        if not claim.of_step:
            yield from (Watch(claim, when) for when in _cases(grounding, claim))
    steps = [claim for claim in claims if claim.of_step]
    later = {claim.name: later_symbols(grounding.system, claim) for claim in steps}
    still = {claim.name: list(_cases(grounding, claim)) for claim in steps}
    for number, instance in enumerate(instances):
        written = {grounding.names[write.place][0] for write in instance.writes}
        grounding.across(after_step(grounding, instance))
        for claim in steps:
            untouched = later[claim.name].isdisjoint(written)
            for when in still[claim.name] if untouched else _cases(grounding, claim):
                both = grounding.formulas.conj([instance.guard, when])
                if both is not FALSE:
                    yield Watch(claim, both, number)


def cases(grounding: Grounding, claim: Property) -> Iterator[tuple[tuple[int, ...], Formula]]:
    """When the property is violated (or a *sometimes* reached), for each choice of parameters.

    Of choices for which that is the same, only the first.
    """
    seen: set[Formula] = set()
    for bound in grounding.bindings(claim.params):
        holds = grounding.sentence(claim, bound)
        when = holds if claim.kind == "sometimes" else grounding.formulas.negate(holds)
        if when is not FALSE and when not in seen:
            seen.add(when)
            yield tuple(bound.values()), when


def _cases(grounding: Grounding, claim: Property) -> Iterator[Formula]:
    return (when for _, when in cases(grounding, claim))


def _problems(
    grounding: Grounding, claim: Property, instances: Sequence[Instance]
) -> Iterator[Problem]:
    grounding.across({})
    ending = claim.ending
    assert ending
    work: dict[tuple[int, ...], list[Formula]] = {}
    for bound in grounding.bindings(claim.params):
        parts = [grounding.formula(term, bound) for term in (ending.during, ending.left)]
        when = grounding.formulas.conj(parts)
        if when is not FALSE:
            point = tuple(value if var in claim.of_work else -1 for var, value in bound.items())
            work.setdefault(point, []).append(when)

    def numbers(names: Sequence[str]) -> frozenset[int]:
        return frozenset(n for n, instance in enumerate(instances) if instance.action in names)

    helping, unless = numbers(ending.by), numbers(ending.unless)
    for point, formulas in work.items():
        yield Problem(claim, point, tuple(formulas), helping, unless)


def after_step(grounding: Grounding, instance: Instance) -> dict[int, Cases]:
    """For each place that a step writes its cases after the step, in terms of the state before."""
    after: dict[int, Cases] = {}
    for write in instance.writes:
        old = after.get(write.place) or grounding.read(write.place)
        negated = grounding.formulas.negate(write.when)
        after[write.place] = grounding.merged((write.when, write.cases), (negated, old))
    return after


def later_symbols(system: System, claim: Property) -> frozenset[str]:
    """The names of the symbols that the property reads in the state after the step."""
    parts = subterms(expand(claim.formula, system))
    symbols = (system.symbols_in(part.body) for part in parts if isinstance(part, Next))
    return frozenset(name for names in symbols for name in names)
