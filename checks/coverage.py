"""Coverage: what each row claims, and the evidence for it.

The table is what the providers (`evidence`) yield, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from memhp.spec.language import Variant
from memhp.spec.rows import COLUMNS, ROWS, Row
from memhp.spec.variants import VARIANTS

from .evidence import (
    COMPARED,
    PROVIDERS,
    STRENGTH,
    Evidence,
    Provider,
    Question,
    agreed,
    configurations,
    cost,
    of_invariants,
    of_steps,
    refuted,
    sizes,
)
from .proof.solvers import solver_version
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

__all__ = ["Cell", "RowCoverage", "coverage"]


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
    strengths = {one.name: one.strength for one in evidence if one.column == STRENGTH}
    evidence = [
        replace(one, strength=strengths.get(one.name, one.strength))
        if one.column == "proof"
        else one
        for one in evidence
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


# --- on every core, and kept --------------------------------------------------------------------

_APART: tuple[Provider, ...] = (
    agreed,
    configurations,
    of_steps,
    of_invariants,
    refuted,
    cost,
    sizes,
)
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
    code = (code_digest(*_DECISIVE), solver_version("z3"), COMPARED)
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


def _evidence(row: str, column: str, name: str, verdict: str, *said: str) -> Evidence:
    """The evidence that was kept.  Raises ValueError, or TypeError, for what is none."""
    detail, strength = said
    texts = (row, column, name, detail, strength)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise ValueError("it is no evidence")
    return Evidence(row, column, name, Verdict(verdict), detail, strength)


def _words(evidence: Evidence) -> tuple[str, ...]:
    """The evidence as `_evidence` reads it."""
    row, column, verdict = evidence.row, evidence.column, evidence.verdict.value
    return row, column, evidence.name, verdict, evidence.detail, evidence.strength


def _store(path: Path, key: str, evidence: Mapping[Provider, Iterable[Evidence]]) -> None:
    entries = {
        provider.__name__: [
            (e.row, e.column, e.name, e.verdict.value, e.detail, e.strength) for e in every
        ]
        for provider, every in evidence.items()
    }
    keep(path, sealed({"key": key, "evidence": entries}))
