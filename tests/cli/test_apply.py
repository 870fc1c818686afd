"""`memhp apply`: on a folder that stands for the machine."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from memhp.cli import apply as module
from memhp.cli.main import main
from memhp.machines.applying import apply as applying
from memhp.machines.applying.journal import Journal
from memhp.machines.applying.states import Machine

from ..machines.applying.fake import Kernel, document, plan, put, states, tree, zones

BLOCKS = {7: "Normal", 5: "Movable", 6: "Normal"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tree(tmp_path / "machine", BLOCKS)
    monkeypatch.setattr(module, "ROOT", str(made))
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    use(monkeypatch, Kernel())
    return made


def use(monkeypatch: pytest.MonkeyPatch, kernel: Kernel) -> None:
    defaults = {**(applying.Applier.__init__.__kwdefaults__ or {}), "write": kernel}
    monkeypatch.setattr(applying.Applier.__init__, "__kwdefaults__", defaults)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document(BLOCKS)))
    return path


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = main(["apply", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_nothing_is_written_without_yes(
    root: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, kept)
    assert code == 0
    assert "nothing is written without --yes" in out
    assert "offline > /sys/devices/system/memory/memory7/state" in out
    assert set(states(root).values()) == {"online"}
    assert not kept.with_suffix(".journal").exists()


def test_a_plan_is_done_shown_and_taken_back(
    root: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = kept.with_suffix(".journal")
    code, out, _ = run(capsys, kept, "--yes")
    assert code == 0
    assert "[3/3] block 6: offline" in out
    assert "done: 3 blocks (384 MiB) are offline" in out
    assert set(states(root).values()) == {"offline"}
    assert main(["replay", str(journal)]) == 0
    shown = capsys.readouterr().out
    assert "block 5 offline: done" in shown
    assert "offline by it: 7, 5, 6" in shown
    assert run(capsys, "--undo", journal)[0] == 0
    assert set(states(root).values()) == {"offline"}
    code, out, _ = run(capsys, "--undo", journal, "--yes")
    assert code == 0
    assert "undone: 0 blocks" in out
    assert set(states(root).values()) == {"online"}
    assert zones(root) == BLOCKS


def test_what_stopped_is_gone_on_with(
    root: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, Kernel(errnos={5: errno.EBUSY}))
    code, out, _ = run(capsys, kept, "--yes")
    assert code == 1
    assert "block 5 did not go: EBUSY" in out
    assert "--resume" in out
    assert "--undo" in out
    use(monkeypatch, Kernel())
    assert run(capsys, "--resume", kept.with_suffix(".journal"), "--yes")[0] == 0
    assert set(states(root).values()) == {"offline"}


def test_an_undo_after_a_failure_is_no_success(
    root: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, Kernel(errnos={6: errno.EBUSY}))
    code, out, _ = run(capsys, kept, "--yes", "--on-failure", "undo")
    assert code == 1
    assert "undone" in out
    assert set(states(root).values()) == {"online"}


def test_a_named_goal_has_no_other_plan(
    root: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, Kernel(errnos={6: errno.EBUSY}))
    code, out, _ = run(capsys, kept, "--yes", "--on-failure", "replan")
    assert code == 1
    assert "there is no other plan" in out


def test_a_size_is_planned_anew_without_what_failed(root: Path, tmp_path: Path) -> None:
    goal = {"words": "256 MiB", "size": 256 << 20, "node": None, "keep": [], "to": None}
    journal = Journal(tmp_path / "j", plan(BLOCKS, goal=goal))
    journal.begin(7, "offline")
    journal.end(7, "offline", "done")
    put(Machine(root).state_file(7), "offline\n")
    journal.skip(6)
    other = module._another_plan(journal.history)
    assert other is not None
    assert [step.block for step in other.steps] == [5]


def test_only_root_writes(
    root: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    code, _, err = run(capsys, kept, "--yes")
    assert code == 2
    assert "only root" in err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": []}, "nothing to do"),
        ({"nearest": "can", "verdict": "cannot"}, "do less than was asked for"),
        ({"live": False}, "of a record"),
        ({"schema": 3}, "not a plan"),
    ],
)
def test_a_plan_that_is_not_to_be_done_is_refused(
    root: Path, kept: Path, change: dict[str, object], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.write_text(json.dumps(document(BLOCKS) | change))
    code, _, err = run(capsys, kept, "--yes")
    assert code == 2
    assert says in err
    assert err.count("\n") == 1
    assert set(states(root).values()) == {"online"}
    assert not kept.with_suffix(".journal").exists()


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["/not/there"],
        ["/dev/null"],
        ["/etc/passwd"],
        ["--resume", "/not/there", "--yes"],
        ["--undo", "/etc/hostname"],
        ["--undo", "/dev/zero"],
        ["--resume", "x", "--undo", "y"],
        ["--resume", "x", "--journal", "y"],
    ],
)
def test_odd_words_are_a_line_and_exit_2(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
