"""The command as a whole: help for every part, and exit codes for what goes wrong."""

from __future__ import annotations

import pytest

from memhp.cli import explain, main


@pytest.mark.parametrize(
    "command", ["check", "coverage", "variants", "explain", "replay", "inspect", "sections"]
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
