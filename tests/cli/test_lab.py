"""`memhp lab`: what it says to bad input; guests are tested in tests/lab."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import memhp.cli
from memhp.cli.main import main

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "lab.json").read_text())


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab in which no kernel is."""
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path / "cache"))


def test_the_list_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["x86_64-6.1", "bookworm", "not", "here"] in [line.split() for line in lines]


def test_the_list_is_there_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    found = {each["name"]: each for each in document["kernels"]}
    assert found["s390x-6.1"] == {
        "name": "s390x-6.1",
        "architecture": "s390x",
        "release": "bookworm",
        "version": None,
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["boot"], "name one kernel"),
        (["boot", "x86_64-6.1"], "memhp lab fetch x86_64-6.1"),
        (["boot", "x86_64-6.2"], "did you mean x86_64-6.1"),
        (["boot", "--kernel", "/not/there"], "is no file"),
        (["boot", "--kernel", __file__], "is no kernel image that a guest boots"),
        (["boot", "x86_64-6.1", "--modules", "/"], "--modules goes with --kernel"),
        (["boot", "x86_64-6.1", "--kernel", "/x"], "name one kernel"),
        (["fetch", "x86_64-2.4"], "there is no stock kernel"),
        (["record", "bussy", "--into", "/"], "there is no recording 'bussy'; did you mean busy?"),
        (["record", "busy", "--into", "/"], "memhp lab fetch x86_64-5.10"),
        (["record", "--into", "/not/there"], "/not/there is no folder; --into names the one"),
    ],
)
def test_bad_input_is_told_in_a_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_cache_that_cannot_be_used_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", "/dev/null/x")
    assert main(["lab", "fetch", "x86_64-6.1"]) == 2
    error = capsys.readouterr().err
    assert "/dev/null/x/kernels cannot be used (Not a directory): MEMHP_LAB_CACHE names" in error
    assert error.count("\n") == 1


def test_a_damaged_kernel_is_not_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cache/kernels/x86_64-6.1"
    folder.mkdir(parents=True)
    (folder / "about.json").write_text("{}")
    assert main(["lab", "list"]) == 0
    assert "6.1" in capsys.readouterr().out
    assert main(["lab", "boot", "x86_64-6.1"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--node", "x"],
        ["--dimm", "1"],
        ["--node", "1MiB,x"],
        ["--limit", "0"],
        ["--distance", "0,1"],
        ["--slots", "x"],
        ["--virtio-mem", "1"],
    ],
)
def test_arguments_are_checked(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lab", "boot", *words])
