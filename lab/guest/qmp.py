"""QEMU's monitor: commands with a deadline, and the events that come meanwhile.

The protocol is `qemu.qmp`'s; what is added is a deadline (of `time.monotonic`) for each call,
and the words of `protocol` for what ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from qemu.qmp import ExecuteError, QMPClient, QMPError

from ..tools.errors import LabError
from .protocol import Ended, Silent

__all__ = ["Monitor", "MonitorRefused"]

_T = TypeVar("_T")

_ANSWER_SECONDS = 60.0
"""How long QEMU may take to say that it is there, on a machine that has much else to do."""

_LOOK_SECONDS = 1.0
"""How often it is asked that while an event is waited for; how long its goodbye may take."""

logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())  # what ends a guest is told by it


class MonitorRefused(LabError):
    """QEMU refused a command; the message is QEMU's own."""


class Monitor:
    """One connection to a monitor; its methods end with `Ended` and `Silent` of the protocol."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._client = QMPClient()
        self._runner = asyncio.Runner()

    def greet(self, deadline: float) -> None:
        """Read the greeting and enter command mode.

        Raises:
            Ended, Silent: QEMU is gone, or does not greet before the deadline.
        """
        self._run(self._client.connect(self._stream), deadline)

    def command(self, name: str, arguments: Mapping[str, object], deadline: float) -> Any:
        """What QEMU returns of one command.

        Raises:
            MonitorRefused: QEMU answered with an error.
        """
        try:
            return self._run(self._client.execute(name, dict(arguments)), deadline)
        except ExecuteError as error:
            raise MonitorRefused(f"{name}: {error}") from None

    def events(self, deadline: float, *, wait: bool = False) -> list[dict[str, Any]]:
        """The events since the last call; with ``wait``, if there is none, one until the deadline.

        It asks QEMU something, now and again: all that QEMU said before that comes before the
        answer, and that QEMU has ended is seen.
        """
        while True:
            self.command("query-name", {}, max(deadline, time.monotonic() + _ANSWER_SECONDS))
            events = self._client.events.clear()
            if events or not wait:
                return [dict(event) for event in events]
            until = min(deadline, time.monotonic() + _LOOK_SECONDS)
            try:
                return [dict(self._run(self._client.events.get(), until))]
            except Silent:
                if until == deadline:
                    return []

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(Ended, Silent):
            self._run(self._client.disconnect(), time.monotonic() + _LOOK_SECONDS)
        self._runner.close()
        self._stream.close()

    def _run(self, doing: Coroutine[Any, Any, _T], deadline: float) -> _T:
        async def limited() -> _T:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await doing

        try:
            return self._runner.run(limited())
        except TimeoutError:
            raise Silent from None
        except ExecuteError:
            raise
        except (QMPError, OSError, EOFError):
            raise Ended from None
