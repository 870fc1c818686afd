"""`memhp fuzz`, and `memhp replay` of what it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli.main import main

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "fuzz.json").read_text())
BUGGY = """
from memhp.engine.target import EngineTarget

class Buggy(EngineTarget):
    def do(self, operation, *params):
        answer = super().do(operation, *params)
        return None if operation == "undrain" else answer
"""


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, *capsys.readouterr()


@pytest.fixture
def buggy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "buggy_engine.py").write_text(BUGGY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "buggy_engine:Buggy"


def test_the_engine_agrees_and_the_document_follows_its_schema(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "fuzz", "--walk", "--steps", "5000", "--jobs", "1", "--json")
    document: dict[str, Any] = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert (code, document["divergence"]) == (0, None)
    assert document["steps"] >= 5000
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "mode": "guess"}, SCHEMA)


@pytest.mark.parametrize("mode", [["--walk"], []], ids=["walk", "hypothesis"])
def test_a_bug_is_found_shrunk_kept_and_replayed(
    mode: list[str], buggy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "fuzz", *mode, "--target", buggy, "--steps", "900", "--jobs", "1")
    assert code == 1
    assert "diverged, shrunk to 1 operations" in out
    assert "the reference answers ENOENT, success came" in out
    code, out, _ = run(capsys, "replay", "divergence.json", "--target", buggy)
    assert code == 1
    assert "success came" in out
    code, out, _ = run(capsys, "replay", "divergence.json")
    assert (code, out.splitlines()[-1]) == (0, "the target does what the reference does")


def test_what_a_walk_reaches_is_told_with_what_it_lacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["fuzz", "--walk", "-v", "--steps", "800", "--jobs", "1"]
    code, out, _ = run(capsys, *asked, "--json")
    document: dict[str, Any] = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    depth = document["reached"]
    found = {each["name"]: each for each in depth["sometimes"]}
    assert (code, depth["steps"], depth["episodes"]) == (0, 800, 4)
    assert found["a_folio_is_freed"]["episodes"] > 0
    assert "begin_read" in found["a_section_goes_under_a_reader"]["lacking"]
    assert "800 operations in 4 episodes reach" in run(capsys, *asked)[1]


def test_a_campaign_goes_on_and_another_one_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["--walk", "--jobs", "1", "--steps", "100", "--keep", str(tmp_path / "kept.json")]
    first = run(capsys, "fuzz", *kept)
    again = run(capsys, "fuzz", *kept)
    assert (first[0], again[0]) == (0, 0)
    assert "10,000 operations" in first[1]
    assert "20,000 operations" in again[1]
    code, _, said = run(capsys, "fuzz", *kept, "--seed", "5")
    assert (code, said.count("\n")) == (2, 1)
    assert "is another campaign: walk of engine, seed 0" in said


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--target", "nonsense"], "give 'engine', or a class as module:Class"),
        (["--minutes", "soon"], "is not a number of minutes"),
        (["--steps", "0"], "is not a number of at least 1"),
        (["--keep", "."], "cannot read"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = run(capsys, "fuzz", *argv)
    assert code == 2
    assert message in said
