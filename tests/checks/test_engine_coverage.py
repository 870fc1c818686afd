"""The coverage column *engine* follows what the engine does in lock step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memhp.checks import evidence as evidence_module
from memhp.checks.evidence import Evidence, Question, agreed
from memhp.checks.fuzz import agreement
from memhp.checks.support.verdicts import Verdict
from memhp.engine.target import EngineTarget
from memhp.spec.system import SYSTEM


class BlindEngine(EngineTarget):
    """To which everything that is asked to be open again is fine."""

    def do(self, operation: str, *params: int | str | bool) -> int | None:
        answer = super().do(operation, *params)
        return None if operation == "undrain" else answer


def engine_evidence(monkeypatch: pytest.MonkeyPatch, steps: int = 4000) -> list[Evidence]:
    monkeypatch.setattr(evidence_module, "COMPARED", steps)
    return list(agreed(Question(SYSTEM, (), ())))


def test_rows_have_the_column_whose_actions_operations_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evidence = engine_evidence(monkeypatch, 12_000)  # a folio is seldom given up for an error
    names = {each.name for each in evidence}
    assert all(each.verdict is Verdict.holds for each in evidence)
    # An error in mapped memory, which entries need too, is met only in the walks of COMPARED steps.
    assert "folios_do_not_share_frames" in names
    assert "a_section_goes_under_a_reader" not in names
    assert "K1" not in {each.row for each in evidence}


def test_an_engine_that_diverges_refutes_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "EngineTarget", BlindEngine)
    evidence = engine_evidence(monkeypatch)
    assert {each.row for each in evidence} == set(SYSTEM.rows)
    assert {each.detail for each in evidence} == {"undrain diverges"}
    assert all(each.verdict is Verdict.refuted for each in evidence)


def test_an_engine_that_tells_nothing_has_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that are None agree with everything, and are evidence of nothing."""

    class SilentEngine(EngineTarget):
        def observe(self) -> dict[str, list[None]]:
            return {name: [None] * len(values) for name, values in super().observe().items()}

    monkeypatch.setattr(agreement, "EngineTarget", SilentEngine)
    assert engine_evidence(monkeypatch) == []


def test_what_was_compared_is_kept_until_the_code_or_the_number_of_steps_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = agreement.agreement(SYSTEM, 400, folder=tmp_path)
    walks: list[int] = []
    walk = agreement.reached

    def counted(*parts: Any, steps: int, **named: Any) -> Any:
        walks.append(steps)
        return walk(*parts, steps=steps, **named)

    monkeypatch.setattr(agreement, "reached", counted)
    assert agreement.agreement(SYSTEM, 400, folder=tmp_path) == first
    assert walks == []
    agreement.agreement(SYSTEM, 800, folder=tmp_path)
    # As if the other files had changed.
    monkeypatch.setattr(agreement, "_DECISIVE", ("spec/**/*.py",))
    agreement.agreement(SYSTEM, 800, folder=tmp_path)
    (tmp_path / "lock-step.json").write_text('{"key": "damaged')
    agreement.agreement(SYSTEM, 800, folder=tmp_path)
    assert walks == [800] * 3


def test_a_divergence_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(agreement, "EngineTarget", BlindEngine)
    assert agreement.agreement(SYSTEM, 4000, folder=tmp_path).divergence
    assert list(tmp_path.iterdir()) == []
