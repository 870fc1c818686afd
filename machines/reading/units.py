"""Bytes in words."""

from __future__ import annotations

__all__ = ["in_units"]

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def in_units(number: int) -> str:
    """So many bytes in words, in the largest unit of which there is at least one when rounded.

    >>> in_units(3 << 19), in_units((1 << 30) - 1)
    ('1.5 MiB', '1 GiB')
    """
    for power in range(len(_UNITS), 0, -1):
        if number * 2048 >= 2047 << 10 * power:
            return f"{number / (1 << 10 * power):.4g} {_UNITS[power - 1]}"
    return f"{number} bytes"
