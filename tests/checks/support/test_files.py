"""A file is written whole or not at all, and read up to a bound."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.checks.support.files import json_of, read_whole, write_whole


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


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))  # as /dev/null
    except OSError:
        pytest.skip("devices are made by root alone")


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("make", [_fifo, _socket, _device, Path.mkdir])
def test_what_is_no_regular_file_is_written_to_and_never_replaced(
    tmp_path: Path, make: Callable[[Path], None], linked: bool
) -> None:
    special = path = tmp_path / "special"
    make(special)
    if linked:
        path = tmp_path / "link"
        path.symlink_to("special")
    before = special.lstat()
    there = os.listdir(tmp_path)
    reader = os.open(special, os.O_RDONLY | os.O_NONBLOCK) if make is _fifo else None
    if make in (_socket, Path.mkdir):
        with pytest.raises(OSError, match=r"."):
            write_whole(path, "new")
    else:
        write_whole(path, "new")
    if reader is not None:
        assert os.read(reader, 10) == b"new"
        os.close(reader)
    assert os.path.samestat(before, special.lstat())
    assert path.is_symlink() == linked
    assert os.listdir(tmp_path) == there


@pytest.mark.parametrize("there", [False, True])
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path, there: bool) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "file"
    if there:
        file.write_text("old")
        file.chmod(0o640)
    (tmp_path / "second").symlink_to("folder/file")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    write_whole(tmp_path / "first", "new")
    assert file.read_text() == "new"
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert not there or file.stat().st_mode & 0o777 == 0o640


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(tmp_path / "a", "new")


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/thread-self/fd/{}"])
def test_a_descriptor_goes_on_where_it_stands(tmp_path: Path, name: str) -> None:
    with (tmp_path / "log").open("w") as log:
        log.write("first\n")
        log.flush()
        write_whole(Path(name.format(log.fileno())), "second\n")
        log.write("third\n")
    assert (tmp_path / "log").read_text() == "first\nsecond\nthird\n"


def test_a_private_file_is_read_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "record.tar"
    path.write_text("old")
    path.chmod(0o644)
    write_whole(path, "new", private=True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_belongs_to_another_user_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cache.json"
    path.write_text("{}")
    assert read_whole(path, 10, own=True) == b"{}"
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(ValueError, match="another user"):
        read_whole(path, 10, own=True)
