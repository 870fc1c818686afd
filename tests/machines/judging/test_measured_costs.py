"""What removing memory costs by the speed of the machine at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.machines.judging.measured_costs import costs_here, measured_costs
from memhp.machines.judging.page_work import PageWork, work_of
from memhp.machines.judging.removal_time import COSTS, GIB, Span, predict, total
from memhp.machines.reading.speed import Speed

from ..planning.made import machine

SIZE = 128 << 20
SPEED = Speed(page=31.6e-6, fresh=17.7e-6, grace=0.02, frame=0.5e-6, process=0.005)
"""Of a guest with Linux 6.12 that counts its instructions."""


def seconds(speed: Speed, work: PageWork) -> tuple[float, float, float]:
    costs = measured_costs(speed, block_size=SIZE, page_size=4096)
    parts = predict(
        {
            kind: Span(*each)
            for kind, each in work_of(work, block_size=SIZE, page_size=4096).items()
        },
        costs,
    )
    span = total(part.seconds for part in parts)
    assert span.upper is not None
    return span.lower, sum(part.expected for part in parts), span.upper


@pytest.mark.parametrize(
    ("work", "took"),
    [
        (PageWork(moved=32768, mappings=(32768, 32768), mapped=32768), 0.925),
        (PageWork(moved=30657, maybe=277, mappings=(5057, 5057), mapped=5057), 0.803),
        (PageWork(moved=32768, mappings=(0, 32768), mapped=32768), 0.557),
        (PageWork(), 0.0093),
    ],
)
def test_blocks_of_a_guest_went_within_what_is_predicted(work: PageWork, took: float) -> None:
    low, expected, high = seconds(SPEED, work)
    assert low < took < high
    assert low < expected < high
    assert high / low < 12


def test_a_machine_ten_times_as_fast_takes_a_tenth() -> None:
    work = PageWork(moved=32768, mappings=(32768, 32768), mapped=32768)
    fast = Speed(*(value / 10 for value in (31.6e-6, 17.7e-6, 0.02, 0.5e-6, 0.005)))
    assert seconds(fast, work) == pytest.approx([each / 10 for each in seconds(SPEED, work)])


def test_where_pages_cannot_move_it_is_told_from_what_giving_one_out_takes() -> None:
    costs = measured_costs(replace(SPEED, page=None), block_size=SIZE, page_size=4096)
    assert costs["copy"].expected == pytest.approx(2 * 17.7e-6 * GIB / 4096)
    assert "given out" in costs["copy"].source


def test_what_was_not_measured_stays_as_the_table_has_it() -> None:
    costs = measured_costs(replace(SPEED, frame=None), block_size=SIZE, page_size=4096)
    assert costs["block"] == COSTS["block"]
    assert costs["write_out"] == COSTS["write_out"]
    assert costs["copy"].confidence == "measured"


def test_a_record_has_no_speed() -> None:
    assert costs_here(machine([(0, "Normal", 0.5)])) is COSTS
