"""The coverage column *engine* follows what the engine does in lock step."""

from __future__ import annotations

import pytest

from memhp.checks import coverage
from memhp.checks.coverage import Evidence, Question, agreed
from memhp.checks.verdicts import Verdict
from memhp.engine.target import EngineTarget
from memhp.spec.system import SYSTEM


class BlindEngine(EngineTarget):
    """To which everything that is asked to be open again is fine."""

    def do(self, operation: str, *params: int | str | bool) -> int | None:
        answer = super().do(operation, *params)
        return None if operation == "undrain" else answer


def found(monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    monkeypatch.setattr(coverage, "_COMPARED", 4000)
    return list(agreed(Question(SYSTEM, (), ())))


def test_rows_have_the_column_whose_actions_operations_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evidence = found(monkeypatch)
    names = {each.name for each in evidence}
    assert all(each.verdict is Verdict.holds for each in evidence)
    assert "mapped_folios_exist" in names
    assert "a_section_goes_under_a_reader" not in names
    assert "K1" not in {each.row for each in evidence}


def test_an_engine_that_diverges_refutes_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memhp.engine.target.EngineTarget", BlindEngine)
    evidence = found(monkeypatch)
    assert {each.row for each in evidence} == set(SYSTEM.rows)
    assert {each.detail for each in evidence} == {"undrain diverges"}
    assert all(each.verdict is Verdict.refuted for each in evidence)
