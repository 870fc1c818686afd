"""Coverage: what each row claims, and the evidence for it.

Evidence comes from providers: each is a function that yields `Evidence`, and a
line in `PROVIDERS`.  The table is what they yield, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from memhp.spec.language import Property, System, Variant, apply
from memhp.spec.language.edits import edited
from memhp.spec.language.system import Action
from memhp.spec.profiles import PROFILES
from memhp.spec.rows import COLUMNS, ROWS, Row
from memhp.spec.variants import VARIANTS
from memhp.spec.variants.normal_path import SLOW_DESIGNS

from .ground.cuts import reads
from .numbers.configuration_claims import (
    every_capability_is_possible,
    no_smaller_set_exists,
    prove_configuration_claims,
)
from .numbers.cost import normal_path
from .numbers.sizes import prove_claims
from .proof.solvers import solver_version
from .run import check
from .search.usual import first_violation
from .support.parallel import each
from .support.store import (
    code_digest,
    digest_of,
    keep,
    kept,
    sealed,
    unsealed,
)
from .support.verdicts import Verdict, combine

__all__ = ["PROVIDERS", "Cell", "Evidence", "Question", "RowCoverage", "coverage"]


@dataclass(frozen=True)
class Evidence:
    """One reason to believe that a row has a column.

    ``name`` is the property, variant, claim or command; ``verdict`` passes when
    it is as it should be (for *defect*: the wrong design is refuted); ``detail``
    is how, in a few words that do not change from run to run.
    """

    row: str
    column: str
    name: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class Question:
    """What the providers look at, and how.

    Args:
        system: the specification.
        variants: the wrong designs.
        commands: the sub-commands that there are.
        jobs: processes.
        folder: where answers are kept.
        progress: called with what is being looked at.
        kernels: what real kernels have shown.
    """

    system: System
    variants: tuple[Variant, ...]
    commands: Collection[str]
    jobs: int | None = None
    folder: Path | None = None
    progress: Callable[[str], None] | None = None
    kernels: tuple[Evidence, ...] = ()

    def say(self, text: str) -> None:
        """Tell whoever waits."""
        if self.progress:
            self.progress(text)


Provider = Callable[[Question], Iterable[Evidence]]


@dataclass(frozen=True)
class Cell:
    """A row's column: whether it is claimed, and all evidence."""

    column: str
    claimed: bool
    evidence: tuple[Evidence, ...]

    @property
    def missing(self) -> bool:
        """There is no evidence at all."""
        return not self.evidence

    @property
    def verdict(self) -> Verdict:
        """*refuted* if the column is claimed without evidence; otherwise the worst of it."""
        if self.missing:
            return Verdict.refuted if self.claimed else Verdict.holds
        return combine(found.verdict for found in self.evidence)


@dataclass(frozen=True)
class RowCoverage:
    """A row and its cells, in the order of the columns."""

    row: Row
    cells: tuple[Cell, ...]

    @cached_property
    def by_column(self) -> dict[str, Cell]:
        """The cells by the name of their column."""
        return {cell.column: cell for cell in self.cells}

    @property
    def verdict(self) -> Verdict:
        """The worst of the cells."""
        return combine(cell.verdict for cell in self.cells)


def coverage(
    question: Question, *, rows: Iterable[Row] = ROWS, providers: Iterable[Provider] | None = None
) -> list[RowCoverage]:
    """The table: every row with what the providers found for it."""
    chosen = PROVIDERS if providers is None else tuple(providers)
    apart = _apart(question, [provider for provider in _APART if provider in chosen])
    found = [
        evidence
        for provider in chosen
        for evidence in (apart[provider] if provider in apart else provider(question))
    ]
    return [
        RowCoverage(
            row,
            tuple(
                Cell(
                    column,
                    column in row.claims,
                    tuple(e for e in found if (e.row, e.column) == (row.id, column)),
                )
                for column in COLUMNS
            ),
        )
        for row in rows
    ]


# --- providers ----------------------------------------------------------------------------------


def declared(question: Question) -> Iterator[Evidence]:
    """*spec*: the properties of a row, if some action changes what they read."""
    for row in question.system.rows:
        claims = [claim for claim in question.system.properties if row in claim.covers]
        for claim in claims:
            actions = _actions_of(question.system, claim)
            if actions:
                detail = " ".join(action.name for action in actions)
                yield Evidence(row, "spec", claim.name, Verdict.holds, detail)


def _actions_of(system: System, claim: Property) -> list[Action]:
    read = reads(system, claim.formula)
    return [action for action in system.actions if action.written & read]


def proved(question: Question) -> Iterator[Evidence]:
    """*proof*: the verdict on every property that covers a row."""
    question.say("proving every property")
    decisions = check(question.system, PROFILES[0], jobs=question.jobs, folder=question.folder)
    for decision in decisions:
        for row in decision.claim.covers:
            yield Evidence(row, "proof", decision.claim.name, decision.verdict, decision.scope)


def refuted(question: Question) -> Iterator[Evidence]:
    """*defect*: the variants, each refuted by a trace from boot."""
    for variant in question.variants:
        question.say(f"refuting {variant.name}")
        changed = apply(question.system, variant)
        found = first_violation(changed, variant.breaks, folder=question.folder)
        verdict = Verdict.holds if found else Verdict.undetermined
        detail = f"{len(found.steps)} steps" if found else "no trace found"
        for row in variant.covers:
            yield Evidence(row, "defect", variant.name, verdict, detail)


def sizes(question: Question) -> Iterator[Evidence]:
    """The claims on section and block sizes: true ones proved, wrong designs refuted (R1 to R5)."""
    question.say("proving the claims on sizes")
    for result in prove_claims():
        claim = result.claim
        for row in claim.covers:
            if claim.true:
                cases = f"{len(claim.cases)} cases"
                yield Evidence(row, "spec", claim.name, Verdict.holds, cases)
                yield Evidence(row, "proof", claim.name, result.verdict, "every integer")
            else:
                yield Evidence(row, "defect", claim.name, _must_fail(result.verdict), _at(result.x))


def _must_fail(verdict: Verdict) -> Verdict:
    """The verdict on a wrong design: it is as it should be when the claim is refuted."""
    if verdict is Verdict.refuted:
        return Verdict.holds
    return Verdict.refuted if verdict.passes else verdict


def _at(x: int | None) -> str:
    return "no counterexample" if x is None else "1 case"


def cost(question: Question) -> Iterator[Evidence]:
    """What the normal path reads because of hotplug (U2), and designs that are too slow."""
    question.say("counting what the normal path reads")
    for result in normal_path(question.system):
        yield Evidence("U2", "spec", result.name, Verdict.holds, "a bound is stated")
        yield Evidence("U2", "proof", result.name, result.verdict, result.detail)
    for design in SLOW_DESIGNS:
        found = normal_path(edited(question.system, design.edits))
        (slow,) = (result for result in found if result.name == design.slows)
        yield Evidence("U2", "defect", design.name, _must_fail(slow.verdict), slow.detail)


def configurations(question: Question) -> Iterator[Evidence]:
    """The claims on Kconfig's rules, and that no set of changes is smaller than ours (U6)."""
    question.say("proving the claims on configurations")
    for result in prove_configuration_claims():
        claim, cases = result.claim, f"{len(result.claim.cases)} cases"
        if claim.true:
            yield Evidence("U6", "spec", claim.name, Verdict.holds, cases)
            yield Evidence("U6", "proof", claim.name, result.verdict, "every configuration")
        else:
            detail = "1 case" if result.case else "no counterexample"
            yield Evidence("U6", "defect", claim.name, _must_fail(result.verdict), detail)
    for name, verdict, detail in (every_capability_is_possible(), no_smaller_set_exists()):
        yield Evidence("U6", "spec", name, Verdict.holds, detail)
        yield Evidence("U6", "proof", name, verdict, detail)


def agreed(question: Question) -> Iterator[Evidence]:
    """*engine*: the properties whose actions the engine takes in lock step with the reference.

    All of a property's actions, that is, and of each variable that the property reads some
    value was compared; the detail says how many entries never were.
    """
    from .fuzz.agreement import agreement

    question.say("comparing the engine with the reference")
    found = agreement(question.system, _COMPARED, folder=question.folder)
    if found.divergence:
        operation = f"{found.divergence.operations[-1][0]} diverges"
        for row in question.system.rows:
            yield Evidence(row, "engine", "lock step", Verdict.refuted, operation)
        return
    never = set(found.never_told)
    for claim in question.system.properties:
        read = reads(question.system, claim.formula)
        if read and not read & never and not found.lacking(claim):
            left = found.left_untold(claim)
            detail = f"{found.steps} operations" + (f", {left} entries never told" if left else "")
            for row in claim.covers:
                yield Evidence(row, "engine", claim.name, Verdict.holds, detail)


_COMPARED = 20_000
"""Operations that the engine does in lock step for the coverage table."""


def seen(question: Question) -> Iterator[Evidence]:
    """*kernel*: the scenarios that real kernels went through as the specification predicts."""
    yield from question.kernels


def commands(question: Question) -> Iterator[Evidence]:
    """*use*: the sub-command that a row names."""
    for row in ROWS:
        if row.command in question.commands:
            yield Evidence(row.id, "use", row.command, Verdict.holds, f"memhp {row.command}")


PROVIDERS: tuple[Provider, ...] = (
    declared,
    proved,
    refuted,
    sizes,
    cost,
    configurations,
    agreed,
    seen,
    commands,
)
"""Where evidence comes from, cheapest to read first."""

# --- on every core, and kept --------------------------------------------------------------------

_APART: tuple[Provider, ...] = (agreed, configurations, refuted, cost, sizes)
"""Providers of which each does its work by itself, the longest first."""
_VARIANTS_AT_ONCE = 8

_DECISIVE = tuple(
    f"{folder}/**/*.{kind}"
    for folder in ("spec", "reference", "engine", "checks")
    for kind in ("py", "c", "h")
)
"""The code that decides what they find."""


def _apart(question: Question, providers: Sequence[Provider]) -> dict[Provider, list[Evidence]]:
    """What they find, or found the last time if all of it passed."""
    # Of others than our own variants nothing tells whether their functions have changed.
    kept_in = question.folder if all(one in VARIANTS for one in question.variants) else None
    path = kept_in / "coverage.json" if kept_in and providers else None
    key = _key(question) if path else ""
    if path and (known := _stored(path, key, providers)) is not None:
        return known
    found: dict[Provider, list[Evidence]] = {provider: [] for provider in providers}
    alone = replace(question, variants=(), jobs=1, progress=None, kernels=())
    pieces = list(_pieces(question, providers))
    decided = each(_piece, alone, pieces, question.jobs)
    for number, ((provider, _), evidence) in enumerate(zip(pieces, decided, strict=True), 1):
        question.say(f"gathering evidence: {number} of {len(pieces)}")
        found[provider] += evidence
    if path and all(one.verdict.passes for every in found.values() for one in every):
        _store(path, key, found)
    return found


def _pieces(
    question: Question, providers: Sequence[Provider]
) -> Iterator[tuple[Provider, tuple[Variant, ...]]]:
    for provider in providers:
        if provider is not refuted:
            yield provider, ()
            continue
        for at in range(0, len(question.variants), _VARIANTS_AT_ONCE):
            yield provider, question.variants[at : at + _VARIANTS_AT_ONCE]


def _piece(question: Question, piece: tuple[Provider, tuple[Variant, ...]]) -> list[Evidence]:
    provider, variants = piece
    return list(provider(replace(question, variants=variants)))


def _key(question: Question) -> str:
    """Of the variants the names: their functions are code of the specification."""
    system = replace(question.system, given_up=frozenset())  # a set has no order
    names = [variant.name for variant in question.variants]
    code = (code_digest(*_DECISIVE), solver_version("z3"), _COMPARED)
    text = repr((system, sorted(question.system.given_up), names, code))
    return digest_of(text)


def _stored(
    path: Path, key: str, providers: Sequence[Provider]
) -> dict[Provider, list[Evidence]] | None:
    """What the file says; a damaged file is as good as none."""
    try:
        document = unsealed(kept(path))
        if document["key"] != key:
            return None
        known = document["evidence"]
        return {each: [_evidence(*entry) for entry in known[each.__name__]] for each in providers}
    except (ValueError, KeyError, TypeError):
        return None


def _evidence(row: str, column: str, name: str, verdict: str, detail: str) -> Evidence:
    """The evidence that was kept.  Raises ValueError, or TypeError, for what is none."""
    texts = (row, column, name, detail)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise ValueError("it is no evidence")
    return Evidence(row, column, name, Verdict(verdict), detail)


def _store(path: Path, key: str, found: Mapping[Provider, Iterable[Evidence]]) -> None:
    entries = {
        provider.__name__: [(e.row, e.column, e.name, e.verdict.value, e.detail) for e in every]
        for provider, every in found.items()
    }
    keep(path, sealed({"key": key, "evidence": entries}))
