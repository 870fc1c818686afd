"""How fast this machine is: every figure is of something done, or none."""

from __future__ import annotations

import errno
import os

import pytest

from memhp.machines.reading import speed
from memhp.machines.reading.speed import Speed, measured_speed

PAGE = os.sysconf("SC_PAGE_SIZE")


def here(nodes: list[int]) -> Speed:
    return measured_speed(nodes, 0, block_size=1 << 27, page_size=PAGE)


def test_what_can_be_done_here_takes_time() -> None:
    found = here([0])
    assert found.page is None  # there is no other node to go to
    assert 0 < found.fresh < 1
    assert 0 < found.process < 60
    assert found.grace is None or 0 <= found.grace < 60


def test_a_page_that_does_not_arrive_has_no_speed() -> None:
    assert here([0, 1023]).page is None


def test_an_architecture_whose_calls_are_not_known_tells_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speed, "_CALLS", {})
    found = here([0, 1])
    assert (found.page, found.grace) == (None, None)
    assert found.fresh > 0


def test_who_may_not_read_page_words_has_no_figure_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "open", refuse)
    assert speed._frame(0, 512) is None


def test_the_mean_is_of_the_rounds_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    seconds = iter([5.0, *[0.02] * 3])
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def once() -> bool:
        now[0] += next(seconds)
        return True

    assert speed._mean(once, 10) == pytest.approx(0.002)
    assert speed._mean(lambda: False, 1) is None
