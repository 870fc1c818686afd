"""The command as a whole: help for every part, and exit codes for what goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from memhp.cli import explain, main


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "coverage",
        "variants",
        "explain",
        "replay",
        "inspect",
        "sections",
        "why",
        "plan",
        "apply",
    ],
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main.main([command, "--help"])
    assert stop.value.code == 0
    assert f"usage: memhp {command}" in capsys.readouterr().out


def test_a_fault_of_memhp_itself_is_exit_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(explain, "explain", broken)
    assert main.main(["explain", "N2"]) == 4
    assert "please report it" in capsys.readouterr().err


def test_an_interrupt_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(explain, "explain", interrupted)
    assert main.main(["explain", "N2"]) == 130
    assert capsys.readouterr().err == "memhp: interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_a_process_ends_a_command_as_an_interrupt_does(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(*_: object) -> int:
        os.kill(os.getpid(), number)
        return 0

    monkeypatch.setattr(explain, "explain", ended)
    before = signal.signal(number, signal.SIG_IGN)  # as nohup does
    try:
        assert main.main(["explain", "N2"]) == 0
        signal.signal(number, signal.SIG_DFL)
        assert main.main(["explain", "N2"]) == 128 + number
        assert capsys.readouterr().err == "memhp: interrupted\n"
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_what_is_imported_starts_no_threads() -> None:
    """One that cannot be started would end the process, with the exit code of *refuted*."""
    code = "import os, memhp.cli.main, memhp.engine; print(len(os.listdir('/proc/self/task')))"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS")
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.stdout == b"1\n"
