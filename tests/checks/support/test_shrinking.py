"""Delta debugging: what is left fails, and no item of it but the last can go."""

from __future__ import annotations

from itertools import count

import pytest

from memhp.checks.support.shrinking import minimized


@pytest.mark.parametrize("needed", [{9}, {0, 9}, {3, 4, 9}, {0, 2, 4, 6, 8, 9}, {*range(10)}])
def test_nothing_but_what_is_needed_is_left(needed: set[int]) -> None:
    least = minimized(range(10), lambda some: some if needed <= {*some} else None)
    assert least == tuple(sorted(needed))


def test_where_any_two_suffice_two_are_left_beside_the_last() -> None:
    least = minimized(range(20), lambda some: some if len(some) > 2 else None)
    assert len(least) == 3
    assert least[-1] == 19


def test_what_fails_earlier_ends_there() -> None:
    def fails(some: tuple[int, ...]) -> tuple[int, ...] | None:
        return some[: some.index(5) + 1] if 5 in some else None

    assert minimized(range(10), fails) == (5,)


@pytest.mark.parametrize("items", ["", "a"])
def test_nothing_is_tried_where_nothing_can_go(items: str) -> None:
    def fails(some: tuple[str, ...]) -> None:
        raise AssertionError(some)

    assert minimized(items, fails) == tuple(items)


def test_when_the_budget_is_spent_what_is_known_by_then_is_the_answer() -> None:
    looks = count()
    least = minimized(range(16), lambda some: some, lambda: next(looks) > 1)
    assert least == tuple(range(8, 16))
    assert minimized(range(16), lambda some: some, lambda: True) == tuple(range(16))
