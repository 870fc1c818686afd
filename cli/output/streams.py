"""The standard streams of the command: what is foreign is quoted, what cannot be written is told.

Each `print` goes through here.  A character that does not print, such as an escape sequence in
a name that somebody else chose, is written as its number, ``\\u001b``, as JSON has it; what is
to steer the terminal (colours, lines of progress) goes below, through `Stream.steer`.

A reader that has gone, as in ``memhp check | true``, changes nothing but that the rest is not
written: the exit code stays that of the verdict.  A disk that is full, or a standard output that
is closed, is told in a line, and the exit code is 2.
"""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shutil import get_terminal_size
from typing import Any, TextIO

USAGE, INTERRUPTED = 2, 130
"""Exit codes."""
_A_MOMENT = 0.01
"""In seconds."""
_FOREIGN = re.compile(r"[^\n\t -~]")
_ONE_LINE = 2_000
"""So many characters of a message are shown."""


class UsageError(Exception):
    """Something the user gave cannot be used; the message is one line and says what to do."""


def quoted(text: str) -> str:
    """The text, with a number for each character that does not print, but a tab and a line's end.

    >>> print(quoted("a window's title: \\x1b]0;x\\x07 and \\u202e"))
    a window's title: \\u001b]0;x\\u0007 and \\u202e
    """
    return _FOREIGN.sub(_number, text)


def one_line(text: str) -> str:
    """The text on one line, quoted, and cut where nobody reads on."""
    if len(text) > _ONE_LINE:
        text = f"{text[:_ONE_LINE]}..."
    return quoted(text).replace("\n", "\\n").replace("\t", "\\t")


def _number(match: re.Match[str]) -> str:
    if match[0].isprintable():
        return match[0]
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


class Stream(io.TextIOBase):
    """A standard stream, quoted; after the first error nothing more is written to it."""

    def __init__(self, below: TextIO | None) -> None:
        self.below = below
        self.error: OSError | None = None
        if isinstance(below, io.TextIOWrapper):
            below.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write the text quoted; returns its length."""
        self.steer(quoted(text))
        return len(text)

    def steer(self, text: str) -> None:
        """Write the text as it is: nothing in it may be foreign."""
        if self.error is None and text:
            try:
                if self.below is None:
                    raise OSError(errno.EBADF, "it is closed")
                self.below.write(text)
            except (OSError, ValueError) as error:
                self._give_up(error)

    def flush(self) -> None:
        """Write what is in a buffer."""
        if self.error is None and self.below is not None:
            try:
                self.below.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self.below is not None and not self.below.closed and self.below.isatty()

    def fileno(self) -> int:
        """The file descriptor.

        Raises:
            UnsupportedOperation: the stream is closed.
        """
        if self.below is None:
            raise io.UnsupportedOperation("the stream is closed")
        return self.below.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # there it may be assigned
        """The encoding of what is below, else UTF-8."""
        return getattr(self.below, "encoding", None) or "utf-8"

    def _give_up(self, error: OSError | ValueError) -> None:
        """What is still in a buffer goes nowhere: the interpreter would try again at its end."""
        self.error = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


class Steered:
    """A stream for what may steer the terminal; piped, lines lose the blanks at their end."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write whole lines as they are; returns their length."""
        if not self._stream.isatty():
            text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
        getattr(self._stream, "steer", self._stream.write)(text)
        return len(text)


@contextmanager
def standard_streams() -> Iterator[Stream]:
    """Within, what is printed is quoted; gives standard output, which knows what became of it."""
    before = sys.stdin, sys.stdout, sys.stderr
    _occupy_closed_descriptors()
    out, err = Stream(sys.stdout), Stream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BytesIO())
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdin, sys.stdout, sys.stderr = before


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Within, an interrupt while Python ends an object's life (`__del__`) is not lost.

    Python would print *Exception ignored in* and go on.  It comes again a moment later.
    """
    before = sys.unraisablehook

    def again(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # Not from here: what is raised in a hook is ignored as well.
            main = threading.main_thread().ident or 0
            timer = threading.Timer(_A_MOMENT, signal.pthread_kill, (main, signal.SIGINT))
            timer.daemon = True
            timer.start()
        else:
            before(unraisable)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def ended_as_interrupted() -> Iterator[list[int]]:
    """Within, SIGTERM and SIGHUP raise KeyboardInterrupt; the list has those that came.

    So what was found is told, or kept, as after Ctrl-C.  What is ignored (nohup) stays so.
    """
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # no other may set them
        ends = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
        before = {each: to for each, to in ends.items() if to not in (signal.SIG_IGN, None)}
    for each in before:
        signal.signal(each, end)
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def show_progress(text: str = "") -> None:
    """Show the text as the line of progress, on a terminal; an empty text wipes that line.

    Of a text that does not fit on a line its end is left out: a line that goes on cannot be wiped.
    """
    if isinstance(sys.stderr, Stream) and sys.stderr.isatty():
        sys.stderr.steer(f"\r\033[K{one_line(text)[: _columns() - 1]}")
        sys.stderr.flush()


def _columns() -> int:
    """How many characters a line of the terminal has that progress is shown on."""
    told = 0
    with suppress(OSError):
        told = os.get_terminal_size(2).columns
    return told or get_terminal_size().columns


def exit_code(out: Stream, code: int) -> int:
    """The exit code to end with: the given one, unless standard output could not be written.

    A reader who has gone changes nothing.

    Args:
        out: standard output.
        code: that of the verdict.
    """
    out.flush()
    if out.error is None or out.error.errno == errno.EPIPE:
        return code
    why = out.error.strerror or str(out.error)
    print(f"memhp: cannot write to standard output: {one_line(why)}", file=sys.stderr)
    return USAGE


def _occupy_closed_descriptors() -> None:
    """A file that is opened later must not become standard output because its number is free."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
