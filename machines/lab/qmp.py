"""QEMU's monitor: commands with a deadline, and the events that come meanwhile.

Source: docs/interop/qmp-spec of QEMU.  One JSON text a line, each way.

Not the package `qemu.qmp` (tried: 0.0.6): its client is asyncio, its blocking wrapper "legacy"
with one timeout a connection, and adapting it to a deadline a call, and to the errors and the
socket that the agent's line has too, is as long as this module.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from memhp.machines.lab.errors import LabError
from memhp.machines.lab.protocol import Line, Silent

__all__ = ["Monitor", "MonitorRefused"]


class MonitorRefused(LabError):
    """QEMU refused a command; the message is QEMU's own."""


class Monitor:
    """One connection to a monitor.  Its methods raise `Ended` and `Silent` of the protocol."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def greet(self, deadline: float) -> None:
        """Read the greeting and enter command mode."""
        self._next(deadline)
        self.command("qmp_capabilities", {}, deadline)

    def command(self, name: str, arguments: dict[str, Any], deadline: float) -> Any:
        """Run one command; returns what QEMU returns.

        Raises:
            MonitorRefused: QEMU answered with an error.
        """
        self._number += 1
        request = {"execute": name, "arguments": arguments, "id": self._number}
        self._line.send(json.dumps(request).encode() + b"\n", deadline)
        while True:
            message = self._next(deadline)
            if "event" in message:
                self._events.append(message)
            elif message.get("id") == self._number:
                if "error" in message:
                    raise MonitorRefused(f"{name}: {message['error'].get('desc')}")
                return message.get("return")

    def events(self, deadline: float | None = None) -> list[dict[str, Any]]:
        """The events since the last call; waits for one until the deadline, if there is none."""
        while self._buffered() or (deadline is not None and not self._events):
            try:
                message = self._next(deadline or 0.0)
            except Silent:
                break
            if "event" in message:
                self._events.append(message)
        found, self._events = self._events, []
        return found

    def _buffered(self) -> bool:
        with contextlib.suppress(Silent):
            self._line.receive(0.0)
        return b"\n" in self._line.received

    def _next(self, deadline: float) -> dict[str, Any]:
        received = self._line.received
        while b"\n" not in received:
            self._line.receive(deadline)
        text, _, _ = bytes(received).partition(b"\n")
        del received[: len(text) + 1]
        message = json.loads(text)
        assert isinstance(message, dict)
        return message
