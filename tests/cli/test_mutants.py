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
DROPPED = [*ONLY, "--kind", "guard", "--kind", "update"]


@pytest.mark.slow
def test_every_mutant_of_an_action_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*DROPPED, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    found = {each["part"]: each["notice"] for each in document["mutants"]}
    assert found == {
        "guard not_draining": "idle step",
        "guard nothing_incoming": "property",
        "update draining": "idle step",
    }


@pytest.mark.slow
def test_a_reason_that_is_out_of_date_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = mutants.Reason("guard", "drain, guard nothing_incoming: dropped", "nobody knows")
    monkeypatch.setattr(mutants, "REASONS", [stale])
    assert main(DROPPED) == 1
    assert "stale reason" in capsys.readouterr().out


def test_another_errno_is_noticed_by_the_table_of_refusals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*ONLY, "--kind", "errno"]) == 0
    assert "refusals of drain" in capsys.readouterr().out


def test_where_there_is_no_such_mistake_none_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--mutants", "--only", "undrain", "--kind", "quantifier"]) == 0
    assert capsys.readouterr().out == "no mutants: there is no such mistake to make\n"


def test_only_names_actions_and_definitions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--mutants", "--only", "drains"]) == 2
    assert "did you mean drain?" in capsys.readouterr().err
    assert main(["check", "--mutants", "--kind", "guards"]) == 2
    assert "did you mean guard?" in capsys.readouterr().err
    assert main(["check", "--kind", "guard"]) == 2
    assert main(["check", "--mutants", "--certify"]) == 2
