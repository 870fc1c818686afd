"""A write ends within its time, or is left alone and told."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from memhp.machines.applying import writer
from memhp.machines.applying.writer import write_within


def test_what_is_written_is_one_word(tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.write_text("online\n")
    assert write_within(file, "offline", 10).result == "done"
    assert file.read_text() == "offline"


def test_a_kernel_without_handles_of_processes_writes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(child: int) -> int:
        raise OSError(errno.ENOSYS, "before Linux 5.3")

    monkeypatch.setattr(writer.os, "pidfd_open", refuse)
    assert write_within(tmp_path / "state", "offline", 10).result == "ENOENT"
    (tmp_path / "state").write_text("online")
    assert write_within(tmp_path / "state", "offline", 10).result == "done"


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EINVAL, errno.EACCES])
def test_what_the_kernel_answers_is_told(tmp_path: Path, code: int) -> None:
    def refuse(path: Path, word: str) -> None:
        raise OSError(code, "no")

    assert write_within(tmp_path, "x", 10, write=refuse).result == errno.errorcode[code]
    assert write_within(tmp_path / "none", "x", 10).result == "ENOENT"


def wait(path: Path, word: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    path.write_text(word)
    time.sleep(60)


def test_one_that_hears_no_term_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "x"
    done = write_within(file, "x", 0.01, write=wait, grace=1)
    assert done.result == "EINTR"
    assert "more than 0.01 s" in done.why


def test_one_that_hears_no_signal_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(writer.os, "kill", lambda process, number: sent.append((process, number)))
    done = write_within(tmp_path / "x", "x", 0.01, write=wait, grace=0.02)
    monkeypatch.undo()
    assert done.result == "stuck"
    assert [number for _, number in sent] == [signal.SIGTERM, signal.SIGKILL]
    assert f"process {sent[0][0]} hears no signal and is left alone" in done.why
    os.kill(sent[0][0], signal.SIGKILL)
    os.waitpid(sent[0][0], 0)


def test_a_reason_to_stop_ends_it(tmp_path: Path) -> None:
    def hang(path: Path, word: str) -> None:
        time.sleep(60)

    done = write_within(tmp_path, "x", 60, write=hang, watch=lambda: "no memory is left")
    assert (done.result, done.why) == ("EINTR", "no memory is left")


def test_a_write_ends_with_who_began_it(tmp_path: Path) -> None:
    def hang(path: Path, word: str) -> None:
        path.write_text(str(os.getpid()))
        time.sleep(60)

    file = tmp_path / "number"
    child = os.fork()
    if not child:
        try:
            write_within(file, "x", 60, write=hang)
        finally:
            os._exit(0)
    while not file.exists() or not file.read_text():
        time.sleep(0.005)
    number = int(file.read_text())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for _ in range(2000):
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            break
        if state == "Z":  # nobody waits for it here
            break
        time.sleep(0.005)
    else:
        pytest.fail("the write goes on")
