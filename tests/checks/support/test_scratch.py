"""Temporary files: gone at the end, or at the next run if their process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memhp.checks.support.files import write_whole
from memhp.checks.support.scratch import remove_leftovers, temporary_file, temporary_folder

_KILLED = """
import os, sys
from pathlib import Path
from memhp.checks.support.scratch import temporary_file, temporary_folder
with temporary_file(Path(sys.argv[1])), temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "search").write_text("a program")
    os._exit(9)
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, tmp_path], check=False)
    assert len(os.listdir(tmp_path)) == 2
    write_whole(tmp_path / "found.json", "{}")
    assert os.listdir(tmp_path) == ["found.json"]


def test_what_a_live_process_uses_is_left_alone(tmp_path: Path) -> None:
    with temporary_file(tmp_path) as (_, file), temporary_folder(tmp_path) as folder:
        remove_leftovers(tmp_path)
        assert file.exists()
        assert folder.exists()
    assert os.listdir(tmp_path) == []


def test_other_files_and_those_of_others_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aim").write_text("kept")
    (tmp_path / ".memhp-link.part").symlink_to("aim")
    os.mkfifo(tmp_path / ".memhp-pipe.part")
    (tmp_path / ".memhp-notes").write_text("kept")
    there = sorted(os.listdir(tmp_path))
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == there
    (tmp_path / ".memhp-theirs.part").write_text("")
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    remove_leftovers(tmp_path)
    assert (tmp_path / ".memhp-theirs.part").exists()
    monkeypatch.undo()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == there


def test_a_file_that_was_taken_for_left_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    taken: list[str] = []
    lock = fcntl.flock

    def late(handle: int, how: int) -> None:
        if not taken:  # somebody was between the file's making and its lock
            taken.append(os.readlink(f"/proc/self/fd/{handle}"))
            os.unlink(taken[0])
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with temporary_file(tmp_path) as (_, file):
        assert file.exists()
        assert str(file) not in taken
