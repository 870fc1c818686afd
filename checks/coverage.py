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
    """A piece of evidence that a row has a column.

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
    """The subjects of the providers, and how they look at them.

    Args:
        system: the specification.
        variants: the wrong designs.
        commands: the sub-commands that there are.
        jobs: processes; as many as there are cores by default.
        folder: where answers and evidence are kept; nothing is kept without it.
        progress: called with a sentence for a person who waits.
        kernels: the evidence from real kernels.
    """

    system: System
    variants: tuple[Variant, ...]
    commands: Collection[str]
    jobs: int | None = None
    folder: Path | None = None
    progress: Callable[[str], None] | None = None
    kernels: tuple[Evidence, ...] = ()

    def say(self, text: str) -> None:
        """Pass the sentence on to ``progress``."""
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
        """Whether there is no evidence at all."""
        return not self.evidence

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the evidence; without any, *refuted* if the column is claimed."""
        if self.missing:
            return Verdict.refuted if self.claimed else Verdict.holds
        return combine(one.verdict for one in self.evidence)


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
        """The worst verdict of the cells."""
        return combine(cell.verdict for cell in self.cells)


def coverage(
    question: Question, *, rows: Iterable[Row] = ROWS, providers: Iterable[Provider] | None = None
) -> list[RowCoverage]:
    """The table: every row with the evidence that the providers have for it."""
    chosen = PROVIDERS if providers is None else tuple(providers)
    apart = _apart(question, [provider for provider in _APART if provider in chosen])
    evidence = [
        one
        for provider in chosen
        for one in (apart[provider] if provider in apart else provider(question))
    ]
    return [
        RowCoverage(
            row,
            tuple(
                Cell(
                    column,
                    column in row.claims,
                    tuple(e for e in evidence if (e.row, e.column) == (row.id, column)),
                )
                for column in COLUMNS
            ),
        )
        for row in rows
    ]


# --- providers ----------------------------------------------------------------------------------


def declared(question: Question) -> Iterator[Evidence]:
    """The evidence for *spec*: the properties of a row that read what some action writes."""
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
    """The evidence for *proof*: the verdict on every property that covers a row."""
    question.say("proving every property")
    decisions = check(question.system, PROFILES[0], jobs=question.jobs, folder=question.folder)
    for decision in decisions:
        for row in decision.claim.covers:
            yield Evidence(row, "proof", decision.claim.name, decision.verdict, decision.scope)


def refuted(question: Question) -> Iterator[Evidence]:
    """The evidence for *defect*: the variants, each refuted by a shortest trace from boot."""
    for variant in question.variants:
        question.say(f"refuting {variant.name}")
        changed = apply(question.system, variant)
        trace = first_violation(changed, variant.breaks, folder=question.folder)
        verdict = Verdict.holds if trace else Verdict.undetermined
        detail = f"{len(trace.steps)} steps" if trace else "no trace found"
        for row in variant.covers:
            yield Evidence(row, "defect", variant.name, verdict, detail)


def sizes(question: Question) -> Iterator[Evidence]:
    """The evidence on section and block sizes: claims proved, wrong designs refuted (R1 to R5)."""
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
    """The evidence on the normal path: entries read for hotplug (U2), designs that are too slow."""
    question.say("counting what the normal path reads")
    for result in normal_path(question.system):
        yield Evidence("U2", "spec", result.name, Verdict.holds, "a bound is stated")
        yield Evidence("U2", "proof", result.name, result.verdict, result.detail)
    for design in SLOW_DESIGNS:
        results = normal_path(edited(question.system, design.edits))
        (slow,) = (result for result in results if result.name == design.slows)
        yield Evidence("U2", "defect", design.name, _must_fail(slow.verdict), slow.detail)


def configurations(question: Question) -> Iterator[Evidence]:
    """The evidence on Kconfig's rules, and that no set of changes is smaller than ours (U6)."""
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
    """The evidence for *engine*: properties whose actions it takes in lock step with the reference.

    The engine took every action that a property needs, and of each variable that the property
    reads some value was compared; the detail says how many entries never were.
    """
    from .fuzz.agreement import agreement

    question.say("comparing the engine with the reference")
    result = agreement(question.system, _COMPARED, folder=question.folder)
    if result.divergence:
        operation = f"{result.divergence.operations[-1][0]} diverges"
        for row in question.system.rows:
            yield Evidence(row, "engine", "lock step", Verdict.refuted, operation)
        return
    never = set(result.never_told)
    for claim in question.system.properties:
        read = reads(question.system, claim.formula)
        if read and not read & never and not result.lacking(claim):
            untold = result.left_untold(claim)
            entries = f", {untold} entries never told" if untold else ""
            detail = f"{result.steps} operations{entries}"
            for row in claim.covers:
                yield Evidence(row, "engine", claim.name, Verdict.holds, detail)


_COMPARED = 20_000
"""Operations that the engine does in lock step for the coverage table."""


def seen(question: Question) -> Iterator[Evidence]:
    """The evidence for *kernel*: scenarios that real kernels go through as predicted."""
    yield from question.kernels


def commands(question: Question) -> Iterator[Evidence]:
    """The evidence for *use*: the sub-command that a row names, if there is one."""
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
"""The code on which their evidence depends."""


def _apart(question: Question, providers: Sequence[Provider]) -> dict[Provider, list[Evidence]]:
    """The evidence of each provider, or that of the last time if all of it passed."""
    # Of others than our own variants nothing tells whether their functions have changed.
    folder = question.folder if all(one in VARIANTS for one in question.variants) else None
    path = folder / "coverage.json" if folder and providers else None
    key = _key(question) if path else ""
    if path and (earlier := _stored(path, key, providers)) is not None:
        return earlier
    evidence: dict[Provider, list[Evidence]] = {provider: [] for provider in providers}
    alone = replace(question, variants=(), jobs=1, progress=None, kernels=())
    pieces = list(_pieces(question, providers))
    answers = each(_piece, alone, pieces, question.jobs)
    for number, ((provider, _), answer) in enumerate(zip(pieces, answers, strict=True), 1):
        question.say(f"gathering evidence: {number} of {len(pieces)}")
        evidence[provider] += answer
    if path and all(one.verdict.passes for every in evidence.values() for one in every):
        _store(path, key, evidence)
    return evidence


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
    """A digest of all that the evidence depends on; variants count by name and by code."""
    system = replace(question.system, given_up=frozenset())  # a set has no order
    names = [variant.name for variant in question.variants]
    code = (code_digest(*_DECISIVE), solver_version("z3"), _COMPARED)
    text = repr((system, sorted(question.system.given_up), names, code))
    return digest_of(text)


def _stored(
    path: Path, key: str, providers: Sequence[Provider]
) -> dict[Provider, list[Evidence]] | None:
    """The evidence in the file; None if it has another key or is damaged."""
    try:
        document = unsealed(kept(path))
        if document["key"] != key:
            return None
        entries = document["evidence"]
        return {one: [_evidence(*entry) for entry in entries[one.__name__]] for one in providers}
    except (ValueError, KeyError, TypeError):
        return None


def _evidence(row: str, column: str, name: str, verdict: str, detail: str) -> Evidence:
    """The evidence that was kept.  Raises ValueError, or TypeError, for what is none."""
    texts = (row, column, name, detail)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise ValueError("it is no evidence")
    return Evidence(row, column, name, Verdict(verdict), detail)


def _store(path: Path, key: str, evidence: Mapping[Provider, Iterable[Evidence]]) -> None:
    entries = {
        provider.__name__: [(e.row, e.column, e.name, e.verdict.value, e.detail) for e in every]
        for provider, every in evidence.items()
    }
    keep(path, sealed({"key": key, "evidence": entries}))
