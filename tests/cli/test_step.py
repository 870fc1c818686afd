"""`memhp step`: what is possible, why not, and back; from a person or from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from memhp.cli.main import main


def told(tmp_path: Path, *lines: str, options: tuple[str, ...] = ()) -> int:
    path = tmp_path / "commands.txt"
    path.write_text("\n".join(lines))
    return main(["step", "--input", str(path), *options])


def test_a_file_leads_a_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run.itf.json"
    lines = (
        "# take a block offline",
        "steps begin_offline",
        "1",
        "why begin_offline(b=block1)",
        "eval count(Block, lambda b: block_state[b] == online)",
        "back",
        "begin_offline block1",
        "state block_state",
        "violated",
        f"save {run}",
        "quit",
        "never read",
    )
    assert told(tmp_path, *lines) == 0
    out = capsys.readouterr().out
    assert "   1 begin_offline(b=block1)" in out
    assert "block_state[block1]: online -> going_offline" in out
    assert "block_online: the block is not online" in out
    assert "\n1\n" in out
    assert "1 taken back; 0 steps from where it began" in out
    assert "     block_state[block0]: online\n     block_state[block1]: going_offline\n" in out
    assert "\nnone\n" in out
    assert main(["replay", str(run)]) == 0
    assert "1 begin_offline(b=block1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("begin_offlin 0", "there is no command or action 'begin_offlin'; did you mean begin_off"),
        ("begin_offline(block9)", "'block9' is no Block: a number from 0 to 1"),
        ("begin_offline", "begin_offline(b: Block) is not given b"),
        ("Begin_Offline 0", "no command or action 'Begin_Offline 0'; did you mean begin_offline?"),
        ("999", "there is no step 999; there are "),
        ("why", "why needs a step"),
        ("eval mode", "'mode' is not there"),
        ("state mode", "there is no variable 'mode'"),
        ("steps mode", "there is no action 'mode'"),
        ("back -1", "back takes a number of steps, not '-1'"),
        ("save", "save needs the name of a file"),
        ("save /nodir/x", "cannot write /nodir/x"),
        ("\x1b[31m", "'\\x1b[31m'"),
    ],
)
def test_a_wrong_line_is_one_line_with_its_number(
    line: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(tmp_path, "", line, "quit") == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert "commands.txt:2" in captured.err
    assert "\x1b" not in captured.out + captured.err


def test_a_person_may_err_and_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("begin_offlin\nhelp\nbegin_offline(1)\nback\n"))
    assert main(["step"]) == 0
    out = capsys.readouterr().out
    assert "did you mean begin_offline?" in out
    assert "why begin_offline(0)" in out
    assert "lock_held[block1]: false -> true" in out


def test_a_property_that_fails_on_the_way_is_shown_and_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = ("begin_offline 1", "cancel_offline 1")
    assert told(tmp_path, *steps) == 0
    assert "violated" not in capsys.readouterr().out
    assert told(tmp_path, *steps, options=("--variant", "lock-left-held")) == 1
    assert "violated: the_lock_is_held_while_a_block_changes(b=block1)" in capsys.readouterr().out


def test_a_scope_without_that_machine_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["step", "--machine", "99"]) == 2
    assert "scope block=2 has" in capsys.readouterr().err
