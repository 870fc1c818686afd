"""Options with odd values: an error in a line, and never something else than was asked for."""

from __future__ import annotations

import io
import os
import weakref
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.proof import prove
from memhp.cli import check, main
from memhp.spec.language import SpecificationError

LOCK = "the_lock_is_held_while_a_block_changes"


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main.main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "argv",
    [
        ["check", "--only", ""],
        ["check", "--profile", ""],
        ["check", "--variant", ""],
        ["check", "--variant", "lock-left-held", "--trace", ""],
        ["check", "--variant", "lock-left-held", "--trace", "/"],
        ["check", "--variant", "lock-left-held", "--trace", "/not/there"],
        ["check", "--scope", ""],
        ["check", "--scope", " "],
        ["check", "--scope", "block=" + "9" * 5000],
        ["check", "--scope", "block=٣"],
        ["check", "--scope", "block=1,"],
        ["check", "--scope", "", "--variant", "lock-left-held"],
        ["check", "--scope", "", "--mutants"],
        ["check", "--mutants", "--variant", ""],
        ["check", "--mutants", "--only", ""],
        ["check", "--scope", "block=1", "--depth", "0"],
        ["check", "--scope", "block=1", "--depth", "-1"],
        ["check", "--scope", "block=1", "--depth", "9" * 5000],
        ["check", "--depth", "1"],
        ["check", "--export", ""],
        ["check", "--proofs", ""],
        ["check", "--verify-proofs", ""],
        ["check", "--verify-proofs", "/dev/null"],
        ["check", "--export", "/dev/null/x", "--only", LOCK],
        ["check", "--jobs", "0"],
        ["check", "--jobs", "100000"],
        ["coverage", "--jobs", ""],
        ["explain", ""],
        ["explain", "."],
        ["explore", "--scope", ""],
        ["explore", "--actions", ""],
        ["explore", "--actions", "blocks,"],
        ["explore", "--only", ""],
        ["explore", "--profile", ""],
        ["explore", "--variant", ""],
        ["explore", "--machine", "0"],
        ["explore", "--depth", "0"],
        ["explore", "--memory", ""],
        ["explore", "--memory", "0"],
        ["explore", "--memory", "9" * 5000],
        ["explore", "--jobs", "1000000"],
        ["explore", "--promela", "", "--count"],
        ["explain", "--kind", ""],
        ["explore", "--promela", "/not/there/x", "--count"],
        ["plan"],
        ["plan", ""],
        ["plan", "-1GiB"],
        ["plan", "0"],
        ["plan", "1GiB", "--node", "x"],
        ["plan", "1GiB", "--keep", "3-1"],
        ["plan", "1GiB", "--to", ""],
        ["plan", "1GiB", "--machine", ""],
        ["plan", "--add", ""],
        ["plan", "1GiB", "--on-failure", "pray"],
        ["apply", ""],
        ["apply", "--undo", ""],
        ["variants", ""],
        ["help", "nothing"],
        [""],
        [],
    ],
)
def test_odd_values_are_a_line_and_exit_2(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("memhp")
    assert max(map(len, err.splitlines())) < 3_000
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["check", "explore"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("U9", "there is no row U9; there are: A1, D1, D2, K1, "),
        ("u9", "there is no row u9; there are: A1, "),
        ("U6", "no property says row U6: its claims are on numbers; memhp explain U6"),
        ("the_lock_is_held_while_a_block_change", f"did you mean {LOCK}?"),
    ],
)
def test_a_row_that_is_not_there_is_answered_with_those_that_are(
    command: str, name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in run(capsys, command, "--only", name)[2]


@pytest.mark.parametrize(
    ("argv", "guess"),
    [
        (["inspct"], "inspect"),
        (["EXPLAIN", "N2"], "explain"),
        (["help", "chekc"], "check"),
        (["lab", "ftch"], "fetch"),
        (["inspect", "--need", "yess"], "yes"),
        (["inspect", "--jsn"], "--json"),
        (["lab", "boot", "x86_64-6.12", "--snapshto=x"], "--snapshot"),
    ],
)
def test_a_mistyped_choice_is_answered_with_the_closest(
    argv: list[str], guess: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].endswith(f"; did you mean {guess}?")


@pytest.mark.parametrize(
    ("argv", "command", "unknown"),
    [
        (["plan", "--free", "1GiB"], "plan", "--free"),
        (["lab", "list", "more", "words"], "lab list", "more words"),
        (["inspect", "--\x1b[31m"], "inspect", "--\\u001b[31m"),
    ],
)
def test_what_a_command_does_not_take_is_said_with_its_usage(
    argv: list[str], command: str, unknown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: memhp {command} ")
    assert err.splitlines()[-1] == f"memhp {command}: error: unrecognized arguments: {unknown}"


def test_names_are_taken_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "explain", "n2")[1] == run(capsys, "explain", "N2")[1]
    scope = ["check", "--scope", "block=1", "--depth", "1", "-q"]
    rows = [run(capsys, *scope, "--only", name)[1].splitlines()[-1] for name in ("n2", "N2")]
    assert rows[0].split(" in ")[0] == rows[1].split(" in ")[0]
    assert "1 property: 1 holds" in run(capsys, *scope, "--only", LOCK.upper())[1]
    sizes = ["sections", "--size", "4GiB", "--arch"]
    assert run(capsys, *sizes, "X86_64") == run(capsys, *sizes, "x86_64")


def test_export_writes_what_was_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(capsys, "check", "-q", "--only", LOCK, "--export", str(tmp_path / "it"))
    files = os.listdir(tmp_path / "it")
    assert code == 0
    assert f"{len(files)} obligations written" in err
    assert files
    assert all(name.startswith(f"{LOCK}__") for name in files)
    assert os.listdir(tmp_path) == ["it"]


@pytest.mark.parametrize("option", [["--certify"], ["--no-cache"], ["--proofs", "not-there"]])
def test_a_certificate_is_no_hearsay(
    option: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    folders: list[Any] = []

    def decided(*_: object, folder: Path | None, **_more: object) -> list[Any]:
        folders.append(folder)
        return []

    def written(*_: object, cache: Path | None, **_more: object) -> int:
        folders.append(cache)
        return 0

    monkeypatch.setattr("memhp.checks.run.check", decided)
    monkeypatch.setattr(prove, "export", written)
    monkeypatch.chdir(tmp_path)
    run(capsys, "check", *option, "--export", str(tmp_path))
    assert folders == [None, None]
    run(capsys, "check")
    assert folders[-1] is not None


def test_the_version_and_help_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[:2] == (0, "memhp 0.1.0\n")
    assert run(capsys, "help")[:2] == run(capsys, "--help")[:2]
    assert run(capsys, "help", "check")[:2] == run(capsys, "check", "--help")[:2]
    assert run(capsys, "help")[1].startswith("usage: memhp ")


def test_a_mistake_of_the_specification_is_a_line_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistaken(*_: object) -> None:
        raise SpecificationError("memhp.spec.folios.drain:65: full covers 'N9', which is no row")

    monkeypatch.setattr(check, "_variant", mistaken)
    code, _, err = run(capsys, "check", "--variant", "lock-left-held")
    assert code == 2
    assert err == (
        "memhp: a mistake in the specification: "
        "memhp.spec.folios.drain:65: full covers 'N9', which is no row\n"
    )


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(12, "Cannot allocate memory"), "not enough memory"),
        (ImportError("libz3.so: failed to map segment from shared object"), "to load a library"),
        (BlockingIOError(11, "Resource temporarily unavailable"), "no process can be started"),
        (RuntimeError("can't start new thread"), "no thread can be started"),
    ],
)
def test_what_the_machine_lacks_is_a_line_and_undetermined(
    error: Exception,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lacking(*_: object) -> None:
        raise error

    monkeypatch.setattr(check, "_variant", lacking)
    code, _, err = run(capsys, "check", "--variant", "lock-left-held")
    assert code == 3
    assert says in err
    assert err.count("\n") == 1


def test_what_took_the_memory_is_let_go_before_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To say it takes memory, too; without any the exit code would be that of *refuted*."""

    class Large:
        pass

    kept: list[weakref.ref[Large]] = []
    left: list[Large | None] = []

    class Told(io.StringIO):
        def write(self, text: str) -> int:
            left.append(kept[0]())
            return super().write(text)

    def greedy(*_: object) -> None:
        made = Large()
        kept.append(weakref.ref(made))
        raise MemoryError

    monkeypatch.setattr(check, "_variant", greedy)
    monkeypatch.setattr("sys.stderr", Told())
    assert main.main(["check", "--variant", "lock-left-held"]) == 3
    assert left
    assert not any(left)
