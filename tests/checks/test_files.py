"""A file is written whole or not at all, and read up to a bound."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memhp.checks.files import json_of, read_whole, write_whole


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text("old")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["found.json"]


def test_others_may_read_what_the_umask_lets_them_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    before = os.umask(0o027)
    try:
        write_whole(path, "new")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o600)
    write_whole(path, "newer")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no room")

    path = tmp_path / "found.json"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no room"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["found.json"]


def test_a_file_is_read_up_to_a_bound_and_one_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_bytes(b"12345")
    assert read_whole(path, 5) == b"12345"
    with pytest.raises(ValueError, match="larger than 4 bytes"):
        read_whole(path, 4)
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        read_whole(Path("/dev/zero"), 1000)


def test_where_a_regular_file_is_asked_for_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "cache.json"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="not a regular file"):
        read_whole(pipe, 10, regular=True)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 5_000, "NaN", "-Infinity", "1e999", "{", b"\xff"]
)
def test_json_that_cannot_be_used_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_of(text)
