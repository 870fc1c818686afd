"""What can go wrong in the lab.  What a guest did carries the end of its console."""

from __future__ import annotations

__all__ = ["GuestDied", "GuestSilent", "LabError", "printable", "whole_number"]


class LabError(Exception):
    """The lab cannot do what was asked; the message says what is missing and what to do.

    `console` holds the last lines of the guest's console, if there was a guest.
    """

    def __init__(self, message: str, console: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.console = console

    def __str__(self) -> str:
        if not self.console:
            return str(self.args[0])
        return "\n".join([str(self.args[0]), "the console's last lines:", *self.console])


class GuestDied(LabError):
    """QEMU ended: the kernel panicked, the guest was powered off, or QEMU refused to start."""


class GuestSilent(LabError):
    """The guest did not answer within its limit; it may be hanging."""


def printable(text: str) -> str:
    r"""The text with its control characters as Python writes them, for a terminal.

    >>> printable("\x1b[2J")
    '\\x1b[2J'
    """
    shown = (c if c.isprintable() or c in "\t\n" else repr(c)[1:-1] for c in text)
    return "".join(shown)


def whole_number(text: str, base: int = 10) -> int:
    """The number in what a guest answers.

    Raises:
        LabError: it is none, or one of more than 64 bits.
    """
    digits = text.strip()
    try:
        number = int(digits[:70], base)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64 or len(digits) > 70:
        raise LabError(f"the guest answers {digits[:40]!r} where a number belongs")
    return number
