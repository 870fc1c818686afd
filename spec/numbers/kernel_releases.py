"""Releases of Linux: in which of them an option exists, and which were read (U6).

A release is a tuple of numbers; `full` gives each three.  A range is from a release
until another, which is the first one outside.  Stable releases follow their series, so
that an option that 6.14 brings is in no 6.12.y unless a range says so.

Source: the Kconfig files of the releases in `READ`; ChangeLog-6.12.110 for the two beside it.
"""

from __future__ import annotations

__all__ = [
    "READ",
    "Ranges",
    "Release",
    "dots",
    "full",
    "inside",
    "judges",
    "later_than_read",
    "ranges",
    "ranges_shown",
]

Release = tuple[int, ...]
Ranges = tuple[tuple[Release, Release | None], ...]

_READ = """
    5.10.223 5.10.262 5.11.0 5.12.9 5.14.0 5.15.215 5.17.0 5.19.0 6.0.0 6.1.192 6.2.1 6.3.8 6.4.6
    6.5.0 6.6.9 6.6.17 6.6.63 6.8.1 6.9.0 6.10.0 6.11.11 6.12.107 6.12.109 6.12.110 6.12.118 6.13.7
    6.14.0 6.17.0 6.18.2 6.19.0 7.0.0 7.1.5 7.2.13 7.3.4
"""
READ: tuple[Release, ...] = tuple(tuple(map(int, text.split("."))) for text in _READ.split())
"""The releases whose rules are known; the first series is the oldest that is judged.

5.14, 5.17 and 6.0 were read as release candidates (rc5, rc5, rc1).
"""


def full(release: Release) -> Release:
    """The release with three numbers: a series stands for its first release.

    >>> full((6, 12))
    (6, 12, 0)
    """
    return (*release, 0, 0, 0)[:3]


def ranges(text: str) -> Ranges:
    """The ranges of a text: each is "FROM..UNTIL", where either side may be missing.

    >>> ranges("..6.12.110 6.13..6.14")
    (((0, 0, 0), (6, 12, 110)), ((6, 13, 0), (6, 14, 0)))
    """
    pairs = []
    for part in text.split():
        first, last = (_release(side) for side in part.split(".."))
        pairs.append((first or (0, 0, 0), last))
    return tuple(pairs)


def _release(text: str) -> Release | None:
    return full(tuple(map(int, text.split(".")))) if text else None


def inside(release: Release, where: Ranges) -> bool:
    """The release is in one of the ranges.

    >>> inside((6, 12, 110), ranges("..6.12.110 6.13..6.14"))
    False
    """
    number = full(release)
    return any(first <= number and (last is None or number < last) for first, last in where)


def dots(release: Release) -> str:
    """The release with dots between its numbers.

    >>> dots((6, 12, 110))
    '6.12.110'
    """
    return ".".join(map(str, release))


def ranges_shown(where: Ranges) -> str:
    """The ranges as a sentence says them, in order.

    >>> ranges_shown(ranges("..6.12.110 6.13..6.14"))
    'before 6.12.110, from 6.13 until 6.14'
    """
    return ", ".join(_range_shown(first, last) for first, last in where)


def _range_shown(first: Release, last: Release | None) -> str:
    since, until = (dots(each[:2] if each[2:] == (0,) else each) for each in (first, last or first))
    if first == (0, 0, 0):
        return "always" if last is None else f"before {until}"
    return f"since {since}" if last is None else f"from {since} until {until}"


def judges(release: Release) -> tuple[Release, ...]:
    """The releases whose rules tell what this one has.

    Itself if its series was read; the ones read before and after it if it lies between;
    the newest if it is later; none if it is older than all.  Where two disagree, what
    holds in between is not known, and nothing is known of what is later than the newest.

    >>> judges((6, 12, 50)), judges((5, 16)), judges((99, 1)), judges((4, 19))
    (((6, 12, 50),), ((5, 15, 215), (5, 17, 0)), ((7, 3, 4),), ())
    """
    number = full(release)
    if number[:2] in {each[:2] for each in READ}:
        return (number,)
    before = [each for each in READ if each < number]
    after = [each for each in READ if each > number]
    return (*before[-1:], *after[:1]) if before else ()


def later_than_read(release: Release) -> bool:
    """No release of its series was read, nor of a later one.

    >>> later_than_read((7, 3, 9)), later_than_read((7, 4))
    (False, True)
    """
    return full(release)[:2] > READ[-1][:2]
