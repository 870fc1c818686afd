"""What `memhp coverage` has gathered is kept: until something changes, and only if it passes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memhp.checks import coverage as module
from memhp.checks.coverage import coverage
from memhp.checks.evidence import Evidence, Question
from memhp.checks.support.store import keep, kept, sealed, unsealed
from memhp.checks.support.verdicts import Verdict
from memhp.spec.rows import Row
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

ROW = Row("Z9", "a concern", "check", ())


class Counted:
    """Providers of one piece of evidence, and how often each was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, verdict: Verdict = Verdict.holds) -> None:
        self.calls: list[str] = []
        self.verdict = verdict
        self.providers = (self.first, self.second)
        monkeypatch.setattr(module, "_APART", self.providers)

    def first(self, question: Question) -> Iterator[Evidence]:
        self.calls.append("first")
        yield Evidence("Z9", "engine", "one", Verdict.holds, "400 operations")

    def second(self, question: Question) -> Iterator[Evidence]:
        self.calls.append("second")
        yield Evidence("Z9", "defect", "two", self.verdict, "3 steps")

    def table(self, folder: Path | None, **other: Any) -> Any:
        question = replace(Question(SYSTEM, (), (), jobs=1, folder=folder), **other)
        self.calls.clear()
        return coverage(question, rows=[ROW], providers=self.providers)


def test_evidence_is_gathered_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted = Counted(monkeypatch)
    first = counted.table(tmp_path)
    assert counted.calls == ["first", "second"]
    assert counted.table(tmp_path) == first
    assert counted.calls == []
    assert counted.table(None) == first
    assert counted.calls == ["first", "second"]


@pytest.mark.parametrize(
    "other", [{"system": replace(SYSTEM, axioms=())}, {"variants": VARIANTS[:1]}]
)
def test_it_is_gathered_anew_for_another_question(
    other: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counted = Counted(monkeypatch)
    counted.table(tmp_path)
    counted.table(tmp_path, **other)
    assert counted.calls == ["first", "second"]


def test_another_process_finds_it_under_the_same_key() -> None:
    """A variant has functions, and a function prints its address."""
    code = (
        "from memhp.checks.coverage import _key\nfrom memhp.checks.evidence import Question\n"
        "from memhp.spec.system import SYSTEM\n"
        "from memhp.spec.variants import VARIANTS\n"
        "print(_key(Question(SYSTEM, VARIANTS, ())))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == module._key(Question(SYSTEM, VARIANTS, ()))


def test_what_variants_of_somebody_else_show_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = replace(VARIANTS[0], edits=())
    Counted(monkeypatch).table(tmp_path, variants=(other,))
    assert list(tmp_path.iterdir()) == []


def test_it_is_gathered_anew_when_the_code_has_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counted = Counted(monkeypatch)
    counted.table(tmp_path)
    monkeypatch.setattr(module, "_DECISIVE", ("spec/**/*.py",))  # as if the other files had
    counted.table(tmp_path)
    assert counted.calls == ["first", "second"]


@pytest.mark.parametrize("verdict", [Verdict.refuted, Verdict.undetermined])
def test_what_does_not_pass_is_not_kept(
    verdict: Verdict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Counted(monkeypatch, verdict).table(tmp_path)
    assert list(tmp_path.iterdir()) == []


ENTRY = ["Z9", "defect", "two", "holds", "3 steps"]


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        {"first": [ENTRY]},
        {"first": [ENTRY[:4]], "second": []},
        {"first": [[*ENTRY[:3], "fine", ""]], "second": []},
        {"first": [[*ENTRY[:4], "\x1b[2J"]], "second": []},
        {"first": [[*ENTRY[:4], 3]], "second": []},
    ],
)
def test_what_is_no_evidence_is_not_believed_under_any_seal(
    evidence: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counted = Counted(monkeypatch)
    counted.table(tmp_path)
    path = tmp_path / "coverage.json"
    keep(path, sealed(unsealed(kept(path)) | {"evidence": evidence}))
    counted.table(tmp_path)
    assert counted.calls == ["first", "second"]


def test_what_is_damaged_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted = Counted(monkeypatch)
    counted.table(tmp_path)
    path = tmp_path / "coverage.json"
    path.write_text(path.read_text().replace("3 steps", "2 steps"))
    counted.table(tmp_path)
    assert counted.calls == ["first", "second"]


def test_wrong_designs_are_refuted_by_several_processes_and_told_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_VARIANTS_AT_ONCE", 1)
    names = ("requests-overlap", "shared-block-ignored")
    chosen = tuple(variant for variant in VARIANTS if variant.name in names)
    (row,) = coverage(
        Question(SYSTEM, chosen, (), jobs=2),
        rows=[Row(chosen[0].covers[0], "a concern", "check", ())],
        providers=[module.refuted],
    )
    evidence = [(each.name, each.detail) for each in row.by_column["defect"].evidence]
    assert evidence == [(v.name, "2 steps") for v in chosen if row.row.id in v.covers]
