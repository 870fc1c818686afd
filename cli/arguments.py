"""Kinds of arguments: argparse refuses what is none of them, in a line."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any


def at_least_one(text: str) -> int:
    """The number in an argument that counts something.

    Raises:
        ArgumentTypeError: it is no number of at least 1.
    """
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of at least 1")
    return int(text)


def processes(text: str) -> int:
    """The number in an argument that says how many processes or threads.

    Raises:
        ArgumentTypeError: it is no number of at least 1, or too large.
    """
    if at_least_one(text) > _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text} are too many: {_MOST_PROCESSES} at most")
    return int(text)


def file_name(text: str) -> Path:
    """The path of a file or folder in an argument.

    Raises:
        ArgumentTypeError: it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("an empty name names no file")
    return Path(text)


def number_of_seconds(text: str) -> float:
    """The seconds in an argument such as 30 or 0.5.

    Raises:
        ArgumentTypeError: it is no number above 0.
    """
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not float(text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of seconds")
    return float(text)


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--limit``, for how long a user's target may take (`memhp.checks.fuzz.isolated`)."""
    parser.add_argument(
        "--limit",
        type=number_of_seconds,
        metavar="SECONDS",
        help="how long a class may take for an operation (300)",
    )


def add_cluster(parser: argparse._ActionsContainer, what: str) -> None:
    """Add ``--cluster`` and ``--shard``, for work that consists of parts.

    Args:
        parser: what they are added to.
        what: the parts, in the plural.
    """
    parser.add_argument(
        "--cluster",
        type=_cluster,
        metavar="WHERE",
        help="by dask.distributed: local, or a scheduler's tcp://HOST:PORT (memhp[cluster])",
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        default=(1, 1),
        metavar="K/N",
        help=f"only every Nth of the {what}, from the Kth on; all shards together do all",
    )


def _cluster(text: str) -> str:
    if text != "local" and not re.fullmatch(
        r"(tcp|tls)://[^\s/]{1,255}:[0-9]{1,5}", text, re.ASCII
    ):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is neither local nor tcp://HOST:PORT")
    return text


def _shard(text: str) -> tuple[int, int]:
    from memhp.checks.support.cluster import shard_of

    try:
        return shard_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_MOST_PROCESSES = 4096


def number_of_bytes(text: str) -> int:
    """The bytes in an argument such as 64MiB, 64M or 67108864.

    Raises:
        ArgumentTypeError: it is no size.
    """
    size = bytes_in(text)
    if size is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a size such as 64MiB or 1PiB")
    return size


def bytes_in(text: str) -> int | None:
    """The bytes that a size such as 64MiB, 64M or 67108864 stands for; None if it is none.

    >>> bytes_in("64M") == bytes_in("64MiB") == 64 << 20
    True
    """
    match = re.fullmatch(r"([0-9]{1,20})(?:([KMGTP])(?:iB)?)?", text, re.ASCII)
    if match is None:
        return None
    return int(match[1]) << (10 * ("KMGTP".index(match[2]) + 1) if match[2] else 0)


def block_ranges(text: str) -> tuple[range, ...]:
    """The numbers of blocks in an argument such as 32-39,64.

    Raises:
        ArgumentTypeError: it is no such list.

    >>> block_ranges("32-39,64")
    (range(32, 40), range(64, 65))
    """
    ranges: list[range] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", part, re.ASCII)
        last = int(match[2] or match[1]) if match else -1
        if match is None or last < int(match[1]) or len(ranges) == _MOST_RANGES:
            raise argparse.ArgumentTypeError(f"{part[:40]!r} is no block or range such as 32-39")
        ranges.append(range(int(match[1]), last + 1))
    return tuple(ranges)


_MOST_RANGES = 1000


class Once(argparse.Action):
    """Store an option's value; a second one is a mistake, not the one that counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} is given twice: give it once")
        setattr(namespace, self.dest, values)
