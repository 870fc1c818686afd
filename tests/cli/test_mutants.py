"""`memhp check --mutants`: its document, its exit codes, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import memhp.cli
from memhp.cli.main import main
from memhp.spec import mutants

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "mutants.json").read_text())
ONLY = ["check", "--mutants", "--only", "drain"]


def test_every_mutant_of_an_action_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ONLY, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    found = {(each["kind"], each["part"]): each["notice"] for each in document["mutants"]}
    assert found == {
        ("guard", "not_draining"): "idle step",
        ("guard", "nothing_incoming"): "proof",
        ("update", "draining"): "idle step",
    }


def test_a_reason_that_is_out_of_date_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = {"drain without guard nothing_incoming": "nobody knows"}
    monkeypatch.setattr(mutants, "REASONS", reasons)
    assert main(ONLY) == 1
    assert "stale reason" in capsys.readouterr().out


def test_only_names_actions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--mutants", "--only", "drains"]) == 2
    assert "did you mean drain?" in capsys.readouterr().err
    assert main(["check", "--mutants", "--certify"]) == 2
