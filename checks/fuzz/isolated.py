"""A target in a process of its own: whatever it does, even if it dies, is a finding and no end.

The process is a fork, which makes the target and then does what it is asked; when it has
died, the next reset begins with another one.  It dies with whoever made it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from time import monotonic, sleep
from typing import Any, NoReturn

from memhp.reference.machine import Machine
from memhp.reference.target import Observation, Target
from memhp.reference.topology import Topology, Value, cut
from memhp.spec.language.system import System
from memhp.spec.profiles import DEFAULT, system_of

from ..support.parallel import die_with, leave_interrupts_to_the_parent
from .protocol import (
    Crash,
    Silence,
    TargetError,
    failure,
    profile_of,
    unfit,
)

__all__ = ["LIMIT", "Isolated", "checked"]

LIMIT = 300.0
"""Seconds that a target is waited for: one that hangs is told of, one that is slow is not."""
_LOOK = 1
"""After so many seconds without an answer, see whether the process is there: what it has
started itself may hold the other end."""
_GOING = 10.0
"""A process that has closed its end is given so many seconds to say how it ends."""


def checked(candidate: Any, name: str) -> Target:
    """The candidate, which has all that a target needs; ``name`` is what messages call it.

    Raises:
        TargetError: it has no `reset`, `do` or `observe`.
    """
    parts = ("reset", "do", "observe")
    missing = [part for part in parts if not callable(getattr(candidate, part, None))]
    if missing:
        raise TargetError(f"{name} has no {' and no '.join(missing)}")
    target: Target = candidate
    return target


class Isolated:
    """A target that does in another process what the one that ``make`` makes does.

    Where that one raises anything at all, or dies, `do`, `reset` and `observe` raise `Crash`,
    and `Silence` where it does not answer in time.

    Args:
        make: makes the target, in that process.
        system: that of the machines which `allowed` gets; without it, that of the target's own
            ``profile``.
        limit: how many seconds the target may take for each call; `LIMIT` without it.

    Raises:
        TargetError: no target can be made.
    """

    def __init__(
        self,
        make: Callable[[], Target],
        system: System | None = None,
        *,
        limit: float | None = None,
    ) -> None:
        self._make, self._system, self._limit = make, system, limit or LIMIT
        self._topology: Topology | None = None
        self._begin()

    def _begin(self) -> None:
        self._child = _Child(self._make, self._system, self._limit)
        self._sent: Topology | None = None
        try:
            self.operations, self.profile, self.rules, self.topologies, may = self._child.ask()
        except Crash as crash:
            raise TargetError(f"it cannot be made: {crash.text}") from None
        if may:
            self.allowed = self._allowed

    def reset(self, topology: Topology) -> None:
        """Boot as that machine; in another process if the last one has died."""
        if self._child.died:
            self._begin()
        same = topology is self._sent
        self._sent = None
        self._seen: dict[Any, Any] = {}
        self._child.ask("reset", None if same else topology)
        self._sent = topology

    def close(self) -> None:
        """End its process now, not when nobody knows of it any more; it is of no use then."""
        self._child.end()

    def do(self, operation: str, *params: Value) -> int | None:
        """The target's answer to the operation: None for success, or an errno."""
        answer, seen = self._child.ask("do", operation, params)
        self._look(seen)
        errno: int | None = answer
        return errno

    def observe(self) -> Observation:
        """What the target showed after the last operation."""
        if not self._seen:
            self._look(self._child.ask("observe"))
        return self._seen

    def _look(self, seen: Any) -> None:
        """Take over what has changed: see `_news`."""
        if not isinstance(seen, tuple):
            raise TargetError(f"observe() returned {seen}: a mapping is needed")
        gone, news = seen
        for name in gone:
            self._seen.pop(name, None)
        self._seen.update(news)

    def _allowed(
        self, before: Machine, operation: str, *params: Value
    ) -> list[tuple[int | None, Machine]]:
        pairs = self._child.ask("allowed", before.values, operation, params)
        return [(answer, before.at(values)) for answer, values in pairs]


class _Child:
    """The process, and what it is asked; ``died`` says how, once it has."""

    def __init__(self, make: Callable[[], Target], system: System | None, limit: float) -> None:
        self._ours, theirs = Pipe()
        self._limit = limit
        self.died = ""
        parent = os.getpid()
        self._pid = os.fork()
        if not self._pid:
            self._ours.close()
            _serve(theirs, parent, make, system)
        theirs.close()
        self._poll = select.poll()
        self._poll.register(self._ours.fileno(), select.POLLIN)
        self.end = weakref.finalize(self, _end, parent, self._pid, self._ours)

    def ask(self, *question: Any) -> Any:
        """The reply; without a question, what the process says of its own when it begins.

        Raises:
            Crash: the target raises something, or its process has died.
            Silence: there is no reply in time.
            TargetError: the target does not keep to what a target must return.
        """
        if self.died:
            raise Crash(self.died)
        try:
            kind, reply = self._reply(question)
        except Silence as silence:
            self.end()
            self.died = silence.text
            raise
        except (EOFError, ConnectionError):
            self._look(_GOING)
            self.end()
            self.died = "it closed the connection to memhp"
            raise Crash(self.died) from None
        except BaseException as error:
            if not self.died:  # interrupted: what it answers now is no answer to what comes next
                self.end()
                self.died = f"{type(error).__name__} while it was asked"
            raise
        if kind == "answer":
            return reply
        raise TargetError(reply) if kind == "wrong" else Crash(*reply)

    def _reply(self, question: tuple[Any, ...]) -> tuple[str, Any]:
        if question:
            self._ours.send(question)
        end = monotonic() + self._limit
        while not self._poll.poll(1000 * _LOOK):
            self._look(0)
            if monotonic() >= end:
                raise Silence(f"it did not answer within {self._limit:g} s")
        reply: tuple[str, Any] = self._ours.recv()
        return reply

    def _look(self, seconds: float) -> None:
        """Raise `Crash` if the process has died, or does within those seconds."""
        end = monotonic() + seconds
        while not (waited := os.waitpid(self._pid, os.WNOHANG))[0]:
            if monotonic() >= end:
                return
            sleep(0.001)
        self.end.detach()
        self._ours.close()
        self.died = _death(os.waitstatus_to_exitcode(waited[1]))
        raise Crash(self.died)


def _death(code: int) -> str:
    if code >= 0:
        return f"it ended its own process, with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its process was killed ({name})"


def _end(parent: int, pid: int, ours: Connection) -> None:
    if os.getpid() != parent:  # a fork has it from its parent
        return
    ours.close()
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


# --- in the other process -------------------------------------------------------------------------


def _serve(
    theirs: Connection, parent: int, make: Callable[[], Target], system: System | None
) -> NoReturn:
    """Make the target, and do what is asked, until nobody asks any more."""
    try:
        die_with(parent)
        leave_interrupts_to_the_parent()
        sys.stdout = sys.stderr  # what a target prints is no part of a document,
        with suppress(OSError):  # nor what a program or a library does that it calls
            os.dup2(2, 1)
        server = _Server(make, system)
        _reply(theirs, server.hello)
        while True:
            kind, *words = theirs.recv()
            _reply(theirs, getattr(server, kind), *words)
    except BaseException:  # nobody listens; and nothing of the parent's may run here
        os._exit(0)


def _reply(theirs: Connection, function: Callable[..., Any], *words: Any) -> None:
    try:
        reply = ("answer", function(*words))
    except TargetError as error:
        reply = ("wrong", str(error))
    except BaseException as error:
        reply = ("failed", failure(error))
    try:
        theirs.send(reply)
    except OSError:
        raise
    except Exception as error:  # pickle says so with any
        theirs.send(("wrong", f"what it returns cannot be sent on: {error}"))


class _Server:
    def __init__(self, make: Callable[[], Target], system: System | None) -> None:
        self._make, self._system = make, system
        self._machine: Machine | None = None
        self._seen: dict[Any, Any] = {}

    def hello(self) -> tuple[Any, Any, Any, Any, bool]:
        """What the target can do, whose design it follows, how it is asked, and on which machines.

        At last, whether it has `allowed`.
        """
        self._target = self._make()
        may = callable(getattr(self._target, "allowed", None))
        parts = (("operations", None), ("profile", DEFAULT), ("rules", None), ("topologies", None))
        operations, profile, rules, machines = (
            getattr(self._target, name, default) for name, default in parts
        )
        return operations, profile, rules, machines, may

    def reset(self, topology: Topology | None) -> None:
        if topology is not None:
            self._topology, self._machine = topology, None
        self._seen = {}
        try:
            self._target.reset(self._topology)
        except ValueError as error:
            raise unfit(error) from None

    def do(self, operation: str, params: tuple[Value, ...]) -> Any:
        answer = self._target.do(operation, *params)
        return answer, self.observe()

    def observe(self) -> Any:
        """What has changed since the last time: names that are gone, and values."""
        seen = self._target.observe()
        if not isinstance(seen, Mapping):
            return cut(seen)
        now = {name: _plain(values) for name, values in seen.items()}
        gone = [name for name in self._seen if name not in now]
        news = {
            name: values
            for name, values in now.items()
            if name not in self._seen or self._seen[name] != values
        }
        self._seen = now
        return gone, news

    def allowed(self, values: tuple[int, ...], operation: str, params: tuple[Value, ...]) -> Any:
        system = self._system or system_of(profile_of(self._target))
        self._machine = self._machine or Machine(system, self._topology)
        before = self._machine.at(values)
        allowed = self._target.allowed  # type: ignore[attr-defined]  # `hello` has found it
        return [(answer, after.values) for answer, after in allowed(before, operation, *params)]


def _plain(values: Any) -> Any:
    """A variable's values, that nothing changes any more; what is none of that goes as it is."""
    return tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else values
