"""How the host talks with the agent (agent/): requests, answers, and limits on waiting."""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass

__all__ = ["Answer", "Ended", "Line", "Silent", "encode", "take_answer"]

_HEAD = re.compile(rb"= (\d{1,20}) (\d{1,10}) (\d{1,7})\n")
_HEAD_BYTES = 48
"""More than the longest head has."""
_MOST_BYTES = 1 << 20
"""That an answer has (agent/agent.h); what tells of more is noise."""
_LATE = 64
"""How many pieces of up to 64 KiB are taken once the deadline is over: what is there already
counts, but a guest that never ends is silent all the same."""


class Ended(Exception):
    """The other side is gone."""


class Silent(Exception):
    """Nothing complete came before the deadline."""


@dataclass(frozen=True)
class Answer:
    """What the agent said: the number of the request, an errno or exit status, and bytes."""

    number: int
    code: int
    data: bytes


def encode(number: int, verb: str, *arguments: bytes) -> bytes:
    """The bytes of a request as it goes over the line.

    >>> encode(3, "write", b"/a", b"1")
    b'3 write 2 1\\n/a1'
    """
    lengths = "".join(f" {len(argument)}" for argument in arguments)
    return f"{number} {verb}{lengths}\n".encode() + b"".join(arguments)


def take_answer(received: bytearray) -> Answer | None:
    """Take the first whole answer out of what came; None if there is none yet.

    Bytes before it are noise (a message that firmware or the kernel wrote) and are dropped.

    >>> take_answer(bytearray(b"noise = 3 16 2\\nok"))
    Answer(number=3, code=16, data=b'ok')
    """
    at = 0
    while (head := _HEAD.search(received, at)) is not None:
        number, code, length = map(int, head.groups())
        if length > _MOST_BYTES:
            at = head.end()
            continue
        end = head.end() + length
        if len(received) < end:
            del received[: head.start()]
            return None
        data = bytes(received[head.end() : end])
        del received[:end]
        return Answer(number, code, data)
    start = received.rfind(b"=", max(at, len(received) - _HEAD_BYTES))
    del received[: len(received) if start < 0 else start]
    return None


class Line:
    """A stream socket on which every wait has a deadline (of `time.monotonic`)."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        stream.setblocking(False)
        self.received = bytearray()
        self._late = 0

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of the data.

        Raises:
            Ended: the other side is gone.
            Silent: it did not take all of it before the deadline.
        """
        while data:
            self._wait(deadline, writing=True)
            try:
                data = data[self._stream.send(data) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Ended from None

    def receive(self, deadline: float) -> None:
        """Add what comes next to `received`.

        Raises:
            Ended: the other side is gone.
            Silent: nothing came before the deadline.
        """
        self._late = self._late + 1 if time.monotonic() > deadline else 0
        if self._late > _LATE:
            raise Silent
        self._wait(deadline, writing=False)
        try:
            data = self._stream.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise Ended
        self.received += data

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def _wait(self, deadline: float, *, writing: bool) -> None:
        left = deadline - time.monotonic()
        streams = [self._stream]
        ready = select.select(
            [] if writing else streams, streams if writing else [], [], max(0.0, left)
        )
        if not ready[0] and not ready[1]:
            raise Silent
