"""The C compiler: whatever CC and TMPDIR are, it works, or it is said why there is none."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.explore import native
from memhp.checks.support import compiler as compilers
from memhp.checks.support.compiler import compiler, why_no_compiler
from memhp.cli.main import main

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
SEARCH = ["explore", "--scope", "block=1", "--actions", "blocks", "--depth", "1", "--count", "-q"]


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    compilers._tried.cache_clear()
    monkeypatch.setattr(tempfile, "tempdir", None)


@needs_compiler
@pytest.mark.parametrize("cc", ["", "gcc -O1", "env  gcc '-DX=a b'"])
def test_cc_is_split_as_a_shell_does(cc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", cc)
    tried = compiler()
    assert tried is not None
    assert not cc or tried.command[0] == cc.split()[0]
    assert why_no_compiler() == ""


@pytest.mark.parametrize(
    ("cc", "why"),
    [
        ("no-such-compiler", "there is no C compiler no-such-compiler"),
        ("no-such-compiler -O1", "there is no C compiler no-such-compiler"),
        ("true", "true makes nothing"),
        ("false", "false cannot compile the search: 1"),
        ("gcc '", "CC cannot be read, no closing quotation"),
        ("gcc --no-such-option", "cannot compile the search: "),
        ("\x1b[31m", "there is no C compiler \\u001b[31m"),
        (" ", ""),
    ],
)
def test_a_compiler_that_does_not_work_is_told_in_a_line_and_the_reference_searches(
    cc: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", cc)
    assert main(SEARCH) == 0
    out, err = capsys.readouterr()
    if why:
        assert why in err
        assert "searching with the reference, slowly" in err
        assert "the reference)" in out
        assert err.count("\n") == 1


@needs_compiler
@pytest.mark.parametrize("place", ["missing", "file", "read-only"])
def test_a_temporary_folder_that_cannot_be_used_is_not(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "read-only").mkdir(mode=0o500)
    monkeypatch.setenv("TMPDIR", str(tmp_path / place))
    assert main(SEARCH) == 0
    assert sorted(os.listdir(tmp_path)) == ["file", "read-only"]


def _run_nowhere_in(folder: Path) -> Callable[..., Any]:
    """As if programs in the folder could not be run, as on a file system mounted noexec."""
    run = subprocess.run

    def refuse(command: list[Any], **more: Any) -> Any:
        if str(command[0]).startswith(str(folder)):
            raise PermissionError(13, "Permission denied")
        return run(command, **more)

    return refuse


@needs_compiler
def test_where_programs_cannot_be_run_the_cache_is_tried_and_then_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("temporary", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(subprocess, "run", _run_nowhere_in(tmp_path / "temporary"))
    cc = compiler()
    assert cc is not None
    assert cc.folder == tmp_path / "cache" / "memhp"
    compilers._tried.cache_clear()
    monkeypatch.setattr(subprocess, "run", _run_nowhere_in(tmp_path))
    assert main(SEARCH) == 0
    assert f"no program can be run in {tmp_path / 'temporary'}" in capsys.readouterr().err
    assert os.listdir(tmp_path / "temporary") == []
    assert os.listdir(tmp_path / "cache" / "memhp") == []


@needs_compiler
def test_memory_that_cannot_be_reserved_is_one_line_and_undetermined(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(native, "_read", lambda *_: native.Outcome())
    assert main(SEARCH) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert main([*SEARCH, "--memory", "9999999T"]) in (2, 3)
    assert "Traceback" not in capsys.readouterr().err


COMPILER = """#!/bin/sh
case "$*" in *try.c*) exec cc "$@";; esac
exec 5>"{fifo}"
(echo compiling >&5; sleep 1000) &
echo driving >&5
sleep 1000
"""


@needs_compiler
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_compiler_and_what_it_has_started_end_with_memhp(number: int, tmp_path: Path) -> None:
    fifo, cc, temporary = tmp_path / "fifo", tmp_path / "cc", tmp_path / "tmp"
    os.mkfifo(fifo)
    temporary.mkdir()
    cc.write_text(COMPILER.format(fifo=fifo))
    cc.chmod(0o755)
    environment = {**os.environ, "CC": str(cc), "TMPDIR": str(temporary)}
    words = [sys.executable, "-m", "memhp", *SEARCH]
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as process:
        assert until(reading, b"driving", b"compiling")
        process.send_signal(number)
    assert not until(reading)  # all are gone
    os.close(reading)


def until(handle: int, *words: bytes) -> bool:
    """Wait for these words; whether they came, before nobody was left who could write."""
    said = b""
    while not words or not all(word in said for word in words):
        assert select.select([handle], [], [], 300)[0], "nothing comes"
        data = os.read(handle, 100)
        if not data:
            return False
        said += data
    return True
