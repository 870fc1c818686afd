"""Requests, answers, QEMU's monitor and the archive, without a guest."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from memhp.lab.guest.archive import Entry, cpio, kept
from memhp.lab.guest.protocol import (
    Answer,
    Ended,
    Line,
    Silent,
    encode,
    take_answer,
)
from memhp.lab.guest.qmp import Monitor, MonitorRefused
from memhp.lab.tools.errors import LabError, whole_number


def soon() -> float:
    return time.monotonic() + 600.0


@pytest.fixture
def pair() -> Iterator[tuple[Line, socket.socket]]:
    """A line, and the other side of it."""
    ours, theirs = socket.socketpair()
    line = Line(ours)
    with theirs:
        yield line, theirs
    line.close()


def test_arguments_may_hold_anything() -> None:
    assert encode(7, "shell", b"echo 'a\nb'") == b"7 shell 10\necho 'a\nb'"
    assert encode(8, "ping") == b"8 ping\n"


def test_an_answer_is_taken_only_when_it_is_whole() -> None:
    received = bytearray(b"[ 1.0] noise\n= 4 0 3\nab")
    assert take_answer(received) is None
    received += b"c= 5 16 0\nrest"
    assert take_answer(received) == Answer(4, 0, b"abc")
    assert take_answer(received) == Answer(5, 16, b"")
    assert received == b"rest"


def test_an_answer_may_look_like_another() -> None:
    received = bytearray(b"= 1 0 8\n= 2 0 0\n")
    assert take_answer(received) == Answer(1, 0, b"= 2 0 0\n")
    assert take_answer(received) is None


@pytest.mark.parametrize(
    "noise",
    [
        b"= " + b"1" * 5000 + b" 0 0\n",
        b"= 1 " + b"1" * 5000 + b" 0\n",
        b"= 1 0 " + b"1" * 5000 + b"\n",
        b"= 1 0 1048577\n",
        b"=" * 100_000,
        bytes(100_000),
    ],
)
def test_what_is_no_head_is_noise(noise: bytes) -> None:
    received = bytearray(noise + b"= 2 0 2\nok")
    assert take_answer(received) == Answer(2, 0, b"ok")


def test_noise_is_looked_at_once() -> None:
    received = bytearray()
    for _ in range(1000):
        received += b"noise = 1 0 " * 1000
        assert take_answer(received) is None
        assert len(received) < 64
    received += b"= 3 0 5\n"
    for _ in range(3):
        assert take_answer(received) is None
        assert received.startswith(b"= 3 0 5\n")
        received += b"ab"
    assert take_answer(received) == Answer(3, 0, b"ababa")


def test_one_that_never_stops_is_silent_too(pair: tuple[Line, socket.socket]) -> None:
    line, other = pair

    def talk() -> None:
        with suppress(OSError):
            while True:
                other.sendall(b"noise" * 1000)

    talking = threading.Thread(target=talk)
    talking.start()
    with pytest.raises(Silent):
        list(iter(lambda: line.receive(time.monotonic()), "never"))
    line.close()
    talking.join()


def test_what_a_guest_answers_is_a_number_or_an_error() -> None:
    assert whole_number(" 0x10\n", 16) == 16
    for text in ("", "ten", "-1", "1" * 5000, "f" * 17):
        with pytest.raises(LabError, match="where a number belongs"):
            whole_number(text, 16)


def test_silence_and_an_end_differ(pair: tuple[Line, socket.socket]) -> None:
    line, other = pair
    with pytest.raises(Silent):
        line.receive(time.monotonic())
    other.close()
    with pytest.raises(Ended):
        line.receive(soon())


def test_sending_has_a_deadline_too(pair: tuple[Line, socket.socket]) -> None:
    line, _ = pair
    with pytest.raises(Silent):
        line.send(b"x" * (1 << 24), time.monotonic() + 0.05)


def say(stream: socket.socket, *messages: object) -> None:
    stream.sendall(b"".join(json.dumps(message).encode() + b"\r\n" for message in messages))


Script = tuple[tuple[dict[str, object], ...], ...]


def play(stream: socket.socket, script: Script, heard: list[dict[str, object]]) -> None:
    """QEMU's side: a greeting, and for each command what the script has."""
    version = {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}
    greeting: dict[str, object] = {"QMP": {"version": version, "capabilities": []}}
    with stream:
        say(stream, greeting)
        for messages in (({"return": {}},), *script):
            if not (request := stream.recv(4096)):
                return
            heard.append(json.loads(request))
            own = {"id": heard[-1].get("id")}
            say(stream, *({**each, **({} if "event" in each else own)} for each in messages))


@contextmanager
def monitored(*script: tuple[dict[str, object], ...]) -> Iterator[tuple[Monitor, list[Any]]]:
    ours, theirs = socket.socketpair()
    heard: list[dict[str, object]] = []
    qemu = threading.Thread(target=play, args=(theirs, script, heard))
    qemu.start()
    monitor = Monitor(ours)
    monitor.greet(soon())
    try:
        yield monitor, heard
    finally:
        monitor.close()
        qemu.join()


def test_events_are_kept_while_a_command_waits() -> None:
    first = ({"event": "A", "data": {}}, {"return": [1]}, {"event": "B"})
    with monitored(first, ({"event": "C"}, {"return": {}})) as (monitor, heard):
        assert monitor.command("query-x", {"id": "d"}, soon()) == [1]
        assert heard[1]["arguments"] == {"id": "d"}
        assert [event["event"] for event in monitor.events(soon())] == ["A", "B", "C"]


def test_an_event_is_waited_for_until_the_deadline() -> None:
    with monitored(({"return": {}}, {"event": "A"}), ({"return": {}},)) as (monitor, _):
        assert [event["event"] for event in monitor.events(soon(), wait=True)] == ["A"]
        assert monitor.events(time.monotonic() + 0.05, wait=True) == []


def test_a_monitor_that_is_silent_or_ends_says_so() -> None:
    with monitored((), ()) as (monitor, _):
        with pytest.raises(Silent):
            monitor.command("query-x", {}, time.monotonic() + 0.05)
        with pytest.raises(Ended):
            monitor.command("query-x", {}, soon())
        with pytest.raises(Ended):
            monitor.events(soon(), wait=True)


def test_a_refusal_has_the_monitor_s_own_words() -> None:
    refusal: dict[str, object] = {"error": {"class": "GenericError", "desc": "no slot"}}
    match = "device_add: no slot"
    with monitored((refusal,)) as (monitor, _), pytest.raises(MonitorRefused, match=match):
        monitor.command("device_add", {}, soon())


def test_the_archive_is_one_that_cpio_reads(tmp_path: Path) -> None:
    cpio_program = shutil.which("cpio") or shutil.which("busybox")
    if cpio_program is None:
        pytest.skip("neither cpio nor busybox is here; apt install busybox-static")
    archive = cpio(
        {
            "bin": Entry(0o040755),
            "bin/x": Entry(0o100755, b"four!"),
            "bin/y": Entry(0o120777, b"x"),
        }
    )
    command = (
        [cpio_program, "-i"] if cpio_program.endswith("cpio") else [cpio_program, "cpio", "-i"]
    )
    subprocess.run(command, input=archive, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "bin/y").read_bytes() == b"four!"
    assert (tmp_path / "bin/x").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("damage", ["built", "built.sha256"])
def test_what_is_built_is_built_again_when_it_is_damaged(damage: str, tmp_path: Path) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path.write_bytes(b"built"))

    place = tmp_path / "folder" / "built"
    for _ in range(2):
        assert kept(place, make).read_bytes() == b"built"
    assert len(made) == 1
    (place.parent / damage).write_bytes(b"buil")
    for _ in range(2):
        assert kept(place, make).read_bytes() == b"built"
    assert len(made) == 2
    assert sorted(path.name for path in place.parent.iterdir()) == ["built", "built.sha256"]
