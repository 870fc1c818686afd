"""`memhp check --strengthen`: what it prints, its document, and what it does not go with."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import memhp.cli
import memhp.cli.check
from memhp.cli.main import main
from memhp.cli.names import find_profile
from memhp.examples import last_block, two_processes
from memhp.spec.language import System, apply, load

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "check.json").read_text())
PROFILE = find_profile("list-2004")
SAFETY = "partners_exclude_each_other"
PROCESSES = load("two processes", (two_processes,))
CARELESS = apply(load("last block", (last_block,)), last_block.CARELESS)


def check(monkeypatch: pytest.MonkeyPatch, system: System, *argv: str) -> int:
    """The exit code of the check of that system, instead of the specification."""
    monkeypatch.setattr(memhp.cli.check, "chosen", lambda args: (PROFILE, system))
    return main(["check", "--strengthen", "--no-cache", "-q", "--jobs", "1", *argv])


def test_what_is_found_is_printed_as_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = check(monkeypatch, PROCESSES, "--only", SAFETY)
    out = capsys.readouterr().out
    assert code == 1
    assert "1 of 1 that need it proved" in out
    assert "from memhp.spec.language import Bool, always, implies" in out
    assert out.count("@always()\ndef ") == out.count(f"Serves {SAFETY}.") > 0


def test_the_document_follows_its_schema(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check(monkeypatch, PROCESSES, "--only", SAFETY, "--json")
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    assert found["strengthening"]["unproved"] == []
    assert all(each["serves"] == [SAFETY] for each in found["strengthening"]["found"])
    assert all(each["name"] in each["source"] for each in found["strengthening"]["found"])


def test_what_is_false_gets_no_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, CARELESS, "--only", "some_block_is_online") == 1
    assert "nothing was found for some_block_is_online" in capsys.readouterr().out


def test_what_is_proved_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = load("last block", (last_block,))
    assert check(monkeypatch, plain, "--only", "some_block_is_online") == 0
    assert "nothing is needed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "other",
    [["--scope", "block=1"], ["--variant", "lock-left-held"], ["--mutants"]],
    ids=lambda other: other[0],
)
def test_it_goes_with_a_proof_alone(other: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--strengthen", *other]) == 2
    assert "--strengthen" in capsys.readouterr().err


DESIGN = '''"""One invariant less, on which another rests."""
from memhp.spec.language import Design, DropProperty
DESIGN = Design(edits=(DropProperty("only_storage_is_assigned"),))
'''


@pytest.mark.slow  # the machines of the specification are walked
def test_a_design_gets_a_suggestion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "less.py"
    file.write_text(DESIGN)
    only = "offline_blocks_have_no_assigned_increment"
    main(["check", "--design", str(file), "--strengthen", "--only", only, "--jobs", "1"])
    out = capsys.readouterr().out
    assert f"Serves {only}." in out
