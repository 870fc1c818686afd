"""A guest: QEMU with a kernel and an agent in it, from its boot to the end of a `with`.

Nothing waits without a limit.  QEMU ends with the `with`, whatever ends that, and it ends
with this process even if that is killed: the kernel is asked to see to it (prctl(2),
PR_SET_PDEATHSIG).  So a guest lives no longer than the thread that booted it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from ..kernels.kernel import Kernel
from ..tools.errors import GuestDied, GuestSilent, LabError, printable, whole_number
from ..tools.programs import tool
from .command_line import Accelerator, Ends, arguments
from .initramfs import archive_of
from .machine import GuestMachine
from .platforms import platform_of
from .protocol import (
    Answer,
    Ended,
    Line,
    Silent,
    encode,
    take_answer,
)
from .qmp import Monitor

__all__ = [
    "BOOT_SECONDS",
    "COMMAND_SECONDS",
    "Accelerator",
    "Guest",
    "HoldKind",
    "Reply",
]

HoldKind = Literal["anon", "locked", "huge", "cache", "spliced", "pinned", "kernel", "silent"]
"""What a holder has: anonymous memory; that locked; huge pages; page cache (of tmpfs);
anonymous memory of which up to 16 pages are referenced from a pipe; that pinned long-term
(io_uring); memory of the kernel's own (the buffers of a pipe); page cache, a readahead's worth at
most, that is locked until a file system that has stopped answering does so (FUSE, which needs a
machine's module `fuse`; `Guest.resume`)."""

_T = TypeVar("_T")

_END_SECONDS = 60.0
"""How long the end of QEMU is waited for once it was killed, or its lines closed."""

_UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'
"""This process may have ended before the kernel was asked to end its child with it."""

_TOO_MUCH = 999
"""What the agent answers when what it has to say is over 1 MiB."""

BOOT_SECONDS = 300.0
"""How long a boot may take: it takes seconds, and minutes on a machine that has much else to do."""

COMMAND_SECONDS = 120.0
"""How long a guest may take for what it is asked, likewise."""

_CONSOLE_BYTES = 4 << 20

CONSOLE_LINES = 20
"""How many lines of the console an error carries."""


@dataclass(frozen=True)
class Reply:
    """What a shell command gave: its exit status (128 + signal if killed), and its output."""

    rc: int
    out: str


class Guest:
    """A running guest.  Made by `Guest.boot`, used as a context manager.

    Every method that talks with the guest raises `GuestDied` if QEMU ended and
    `GuestSilent` if no answer came within the limit (`limit=`, else `command_limit`).
    The agent does one thing at a time.  After `GuestSilent` the guest may be asked again (an
    answer that comes late is dropped), but it answers only once what it does has ended: run
    what may block in the background of a shell, with its output redirected.

    Attributes:
        boot_seconds: from the start of QEMU until the agent was ready.
        command_limit: how long a command may take, in seconds.
    """

    def __init__(self, kernel: Kernel, machine: GuestMachine, *, command_limit: float) -> None:
        self.kernel = kernel
        self.machine = machine
        self.command_limit = command_limit
        self.boot_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._console = os.memfd_create("console")
        ours, self._agent_end = socket.socketpair()
        self._agent = Line(ours)
        ours, self._monitor_end = socket.socketpair()
        self._monitor = Monitor(ours)
        self._number = 0

    @classmethod
    def boot(
        cls,
        kernel: Kernel,
        machine: GuestMachine | None = None,
        *,
        limit: float = BOOT_SECONDS,
        command_limit: float = COMMAND_SECONDS,
        accel: Accelerator = "tcg",
    ) -> Self:
        """A guest that is booted, its agent ready.

        Args:
            kernel: what is booted.
            machine: what its machine is made of; None: one node with 512 MiB.
            limit: how many seconds the boot may take.
            command_limit: how many seconds a command may take.
            accel: what runs its instructions.

        Raises:
            LabError: a program or a module is missing.
            GuestDied, GuestSilent: it did not boot, or not within ``limit`` seconds, or a module
                could not be loaded.
        """
        guest = cls(kernel, machine or GuestMachine(), command_limit=command_limit)
        try:
            guest._start(limit, accel)
        except BaseException:
            guest.close()
            raise
        return guest

    def _start(self, limit: float, accel: Accelerator) -> None:
        platform = platform_of(self.kernel.arch)
        qemu = tool(platform.qemu, platform.package)
        dies_with_us = [tool("setpriv", "util-linux"), "--pdeathsig", "KILL", "--"]
        dies_with_us += ["sh", "-c", _UNLESS_ORPHANED, str(os.getpid())]
        with archive_of(self.kernel, self.machine) as initramfs:
            began = time.monotonic()
            self._run([*dies_with_us, qemu], initramfs, accel)
            deadline = began + limit
            self._waiting("booting", limit, lambda: self._monitor.greet(deadline))
            ready = self._waiting("booting", limit, lambda: self._answer(0, deadline))
        if ready.code:
            raise GuestDied(
                f"{self.kernel.name}: a module cannot be loaded: {os.strerror(ready.code)}",
                self.last_lines(),
            )
        self.boot_seconds = time.monotonic() - began

    def _run(self, program: list[str], initramfs: Path, accel: Accelerator) -> None:
        """Start QEMU."""
        # Opened to append: QEMU's own complaints come between the lines of the console.
        console = os.open(f"/proc/self/fd/{self._console}", os.O_WRONLY | os.O_APPEND)
        ends = Ends(console, self._agent_end.fileno(), self._monitor_end.fileno())
        try:
            self._process = subprocess.Popen(
                [*program, *arguments(self.kernel, self.machine, str(initramfs), ends, accel)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                pass_fds=(ends.console, ends.agent, ends.monitor),
                start_new_session=True,
            )
        finally:
            os.close(console)
            self._agent_end.close()
            self._monitor_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End QEMU and close what belongs to it; may be called again."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            # One that even SIGKILL does not end (it waits in the kernel) is waited for no longer.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
        if self._console >= 0:
            self._monitor.close()
        self._agent.close()
        for end in (self._agent_end, self._monitor_end):
            end.close()
        if self._console >= 0:
            os.close(self._console)
            self._console = -1

    @property
    def pid(self) -> int:
        """The process id of QEMU."""
        assert self._process is not None
        return self._process.pid

    def console(self) -> tuple[str, ...]:
        """The last lines of the console, up to 4 MiB, QEMU's own complaints among them."""
        size = os.fstat(self._console).st_size
        shown = os.pread(self._console, _CONSOLE_BYTES, max(0, size - _CONSOLE_BYTES))
        lines = map(printable, shown.decode(errors="replace").splitlines())
        return tuple(line.rstrip() for line in lines if line.strip())

    def last_lines(self) -> tuple[str, ...]:
        """The console's end, and before it the line of a panic, if that is not in it."""
        lines = self.console()
        earlier = lines[:-CONSOLE_LINES]
        panics = [line for line in earlier if "Kernel panic" in line]
        return (*panics[:1], *lines[-CONSOLE_LINES:])

    def write(
        self, path: str, text: str, *, patience: int | None = None, limit: float | None = None
    ) -> int:
        """Write a text with one write(2); returns 0 or the errno that the kernel gave.

        Args:
            path: the file.
            text: what is written.
            patience: a signal comes after so many seconds: what waits for one gives EINTR.
            limit: how many seconds it may take.
        """
        words = () if patience is None else (str(patience),)
        return self.agent("write", path, text, *words, limit=limit).code

    def read(self, path: str, *, limit: float | None = None) -> str:
        """The content of a file, undecodable bytes replaced.

        Raises:
            OSError: with the errno that the kernel gave.
        """
        answer = self.agent("read", path, limit=limit)
        if answer.code:
            raise OSError(answer.code, os.strerror(answer.code), path)
        return answer.data.decode(errors="replace")

    def shell(self, command: str, *, limit: float | None = None) -> Reply:
        """Run a command in busybox's shell; returns its exit status and output."""
        answer = self.agent("shell", command, limit=limit)
        return Reply(answer.code, answer.data.decode(errors="replace"))

    def hold(
        self, kind: HoldKind, size: int, *, node: int = -1, limit: float | None = None
    ) -> tuple[int, int]:
        """Have a process of the guest's hold filled memory.

        Args:
            kind: what memory.
            size: bytes.
            node: of which node (mbind(2)); -1: of any.
            limit: how many seconds it may take.

        Returns:
            0 and the holder's process id, or the errno and 0.  A holder that the kernel
            killed while it filled its memory gives ENOMEM.
        """
        answer = self.agent("hold", kind, str(node), str(size), limit=limit)
        if answer.code:
            return answer.code, 0
        return 0, whole_number(answer.data.decode("ascii", "replace"))

    def resume(self, holder: int, *, limit: float | None = None) -> int:
        """Have the file system of a holder of kind "silent" answer again; 0 or an errno."""
        return self.agent("resume", str(holder), limit=limit).code

    def release(self, holder: int, *, limit: float | None = None) -> int:
        """End a holder, which looks at its memory once more and gives it back.

        Returns:
            0; EIO if its contents were not what it had filled it with; ECHILD if it had been
            killed before; another errno if there is none such.
        """
        return self.agent("release", str(holder), limit=limit).code

    def agent(self, verb: str, *words: str, limit: float | None = None) -> Answer:
        """The answer of the agent to one request (agent/main.c has the verbs).

        Raises:
            LabError: the answer would be over 1 MiB.
        """
        seconds = self.command_limit if limit is None else limit
        deadline = time.monotonic() + seconds
        self._number += 1
        request = encode(self._number, verb, *(word.encode() for word in words))
        doing = f"{verb} {' '.join(words)[:80]}".rstrip()

        def ask() -> Answer:
            self._agent.send(request, deadline)
            return self._answer(self._number, deadline)

        answer = self._waiting(doing, seconds, ask)
        if answer.code == _TOO_MUCH:
            raise LabError(f"{self.kernel.name}: more than 1 MiB to say: {doing}; ask for less")
        return answer

    def qmp(self, name: str, *, limit: float | None = None, **arguments: Any) -> Any:
        """What a command of QEMU's monitor returns; `_` in the names of arguments stands for `-`.

        Raises:
            MonitorRefused: QEMU answered with an error.
        """
        seconds = self.command_limit if limit is None else limit
        deadline = time.monotonic() + seconds
        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        return self._waiting(name, seconds, lambda: self._monitor.command(name, words, deadline))

    def events(self, *, wait: float | None = None) -> list[dict[str, Any]]:
        """QEMU's events since the last call; with ``wait``, up to that long for the next one."""
        limit = self.command_limit if wait is None else wait
        deadline = time.monotonic() + limit
        return self._waiting(
            "waiting for events",
            limit,
            lambda: self._monitor.events(deadline, wait=wait is not None),
        )

    def _answer(self, number: int, deadline: float) -> Answer:
        while True:
            while (answer := take_answer(self._agent.received)) is not None:
                if answer.number == number:
                    return answer
            self._agent.receive(deadline)

    def _waiting(self, doing: str, limit: float, wait: Callable[[], _T]) -> _T:
        """Turn what the line says into errors that carry the console's end."""
        try:
            return wait()
        except Silent:
            raise GuestSilent(
                f"{self.kernel.name}: no answer within {limit:g} s: {doing}",
                self.last_lines(),
            ) from None
        except Ended:
            how = self._ending()
            raise GuestDied(
                f"{self.kernel.name}: the guest ended ({how}): {doing}",
                self.last_lines(),
            ) from None

    def _ending(self) -> str:
        """How QEMU ended, in words."""
        if self._process is None:
            return "it was never started"
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "its line closed"
        if any("Kernel panic" in line for line in self.console()):
            return "its kernel panicked"
        if status < 0:
            return f"QEMU was ended by {signal.Signals(-status).name}"
        return "QEMU refused" if status else "it was switched off"
