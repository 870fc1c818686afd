"""What can go wrong in the lab.  What a guest did carries the end of its console."""

from __future__ import annotations

__all__ = ["GuestDied", "GuestSilent", "LabError"]


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
