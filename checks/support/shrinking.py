"""Delta debugging: fewer of the items with which something still fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["minimized"]

Item = TypeVar("Item")


def minimized(
    items: Sequence[Item],
    fails: Callable[[tuple[Item, ...]], Sequence[Item] | None],
    expired: Callable[[], bool] = lambda: False,
) -> tuple[Item, ...]:
    """Items that fail, of which no single one but the last can be left out.

    Pieces are left out, of half the items first and then of half as many each time.

    Args:
        items: what fails at its last item, which always stays.
        fails: of fewer items those up to where they fail; None if they do not.
        expired: whether to go on no longer, with what is best by then.

    Source: A. Zeller, R. Hildebrandt, Simplifying and isolating failure-inducing input (2002).

    >>> "".join(minimized("abcdef", lambda some: some if "b" in some else None))
    'bf'
    """
    best = tuple(items)
    size = max(1, len(best) // 2)
    while not expired():
        start, smaller = 0, False
        while start + size < len(best) and not expired():
            rest = fails((*best[:start], *best[start + size :]))
            if rest is None:
                start += size
            else:
                best, smaller = tuple(rest), True
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    return best
