"""Predicted times: sums done by hand, verdicts at their boundaries, figures that users give."""

from __future__ import annotations

import pytest

from memhp.machines.judging.removal_time import (
    COSTS,
    GIB,
    TIB,
    Cost,
    CostError,
    Span,
    TimeVerdict,
    compare,
    estimate_reboot,
    overridden,
    predict,
    total,
)

ROUND = {
    "copy": Cost("GiB", 0.5, 2.0, "given", "by hand"),
    "unmap": Cost("mapping", 0.0, 0.001, "given", "by hand"),
    "block": Cost("block", 0.0, 0.1, "given", "by hand"),
}


def test_a_full_block_of_1_gib_by_hand() -> None:
    work = {"copy": Span(1, 1), "unmap": Span(1000, 2000), "block": Span(1, 1)}
    found = {part.kind: part.seconds for part in predict(work, ROUND)}
    assert found == {"copy": Span(0.5, 2.0), "unmap": Span(0.0, 2.0), "block": Span(0.0, 0.1)}
    assert total(found.values()) == Span(0.5, 4.1)


def test_four_gib_under_the_tables_own_figures_by_hand() -> None:
    # 4 GiB at 2 s is 8 s; 262144 mappings at 2 s / 262144 are 2 s; 262144 flushes are 5.834 s
    work = {"copy": Span(4, 4), "unmap": Span(0, 262144), "flush": Span(0, 262144)}
    spans = total(part.seconds for part in predict(work))
    assert spans.lower == pytest.approx(0.25)
    assert spans.upper == pytest.approx(8 + 2 + 5.834)


def test_what_has_no_bound_has_none_in_the_sum_unless_it_costs_nothing() -> None:
    endless = {"copy": Span(1, 1), "unmap": Span(5, None)}
    assert total(part.seconds for part in predict(endless, ROUND)) == Span(0.5, None)
    free = ROUND | {"unmap": Cost("mapping", 0.0, 0.0, "given", "by hand")}
    assert total(part.seconds for part in predict(endless, free)) == Span(0.5, 2.0)


@pytest.mark.parametrize("kind", ["write_out", "wait"])
def test_a_store_that_may_never_answer_leaves_no_bound(kind: str) -> None:
    """One dirty page, or one under writeback, is enough; none costs nothing."""
    some = total(part.seconds for part in predict({"copy": Span(1, 1), kind: Span(0, 1e-6)}))
    none = total(part.seconds for part in predict({"copy": Span(1, 1), kind: Span(0, 0)}))
    assert (some.upper, none.upper) == (None, 2.0)
    assert compare(some, Span(1e9, 1e9)) == "cannot tell"


def test_work_that_no_table_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="polish"):
        predict({"polish": Span(1, 1)})


@pytest.mark.parametrize(
    ("removal", "reboot", "verdict"),
    [
        (Span(1, 89.9), Span(90, 120), "faster than a reboot"),
        (Span(1, 90), Span(90, 120), "cannot tell"),
        (Span(120, 500), Span(90, 120), "cannot tell"),
        (Span(120.1, 500), Span(90, 120), "slower"),
        (Span(100, 110), Span(90, 120), "cannot tell"),
        (Span(1, None), Span(90, 120), "cannot tell"),
        (Span(121, None), Span(90, 120), "slower"),
        (Span(500, 600), Span(90, None), "cannot tell"),
        (Span(1, 2), Span(90, None), "faster than a reboot"),
    ],
)
def test_a_verdict_needs_the_spans_to_lie_apart(
    removal: Span, reboot: Span, verdict: TimeVerdict
) -> None:
    assert compare(removal, reboot) == verdict


def test_every_figure_has_a_span_and_a_source() -> None:
    for cost in COSTS.values():
        assert cost.lower >= 0
        assert cost.upper is None or cost.lower <= cost.upper
        assert len(cost.source) > 10
        assert cost.confidence in ("published", "derived", "assumed")


@pytest.mark.parametrize(
    ("memory", "lower", "upper"),
    [(512 * GIB, 1.32, 1800.0), (128 * GIB, 0.33, 1800.0), (32 * TIB, 1.32, 7200.0)],
)
def test_a_reboot_is_estimated_from_the_memory(memory: int, lower: float, upper: float) -> None:
    found = estimate_reboot(memory)
    assert (found.seconds.lower, found.seconds.upper) == pytest.approx((lower, upper))
    assert "lkml" in found.source


def test_a_users_figures_replace_the_tables() -> None:
    given = {"copy": {"lower": 0.2, "upper": 0.3, "source": "perf on this host"}}
    found = overridden(given, "mine.toml")
    assert (found["copy"].lower, found["copy"].upper) == (0.2, 0.3)
    assert (found["copy"].confidence, found["copy"].source) == ("given", "perf on this host")
    assert found["block"] == COSTS["block"]
    assert COSTS["copy"].confidence == "derived"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "expected kinds of work"),
        ({"kopy": {"lower": 0, "upper": 1}}, "there is no kind of work 'kopy'; there are copy"),
        ({"copy": 3}, "give lower and upper, in seconds for one GiB"),
        ({"copy": {"lower": 1}}, "give lower and upper"),
        ({"copy": {"lower": 2, "upper": 1}}, "lower, 2, is more than upper, 1"),
        ({"copy": {"lower": -1, "upper": 1}}, "a number of at least 0, found -1"),
        ({"copy": {"lower": 0, "upper": "1"}}, "found '1'"),
        ({"copy": {"lower": 0, "upper": True}}, "found True"),
        ({"copy": {"lower": 0, "upper": float("inf")}}, "found inf"),
        ({"copy": {"lower": 0, "upper": float("nan")}}, "found nan"),
        ({"copy": {"lower": 0, "upper": 1e13}}, "at most 1e+12 seconds, found 10000000000000.0"),
        ({"copy": {"lower": 0, "upper": 10**400}}, "found a longer number"),
        ({"copy": {"lower": 0, "upper": [[]]}}, "found a list"),
        ({"copy": {"lower": 0, "upper": 1, "unit": "s"}}, "'unit' is not one of lower"),
        ({"copy": {"lower": 0, "upper": 1, "source": " "}}, "say in words"),
    ],
)
def test_figures_that_cannot_be_used_are_named(document: object, says: str) -> None:
    with pytest.raises(CostError, match=r"mine\.toml") as caught:
        overridden(document, "mine.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_to_expect_lies_between_the_bounds_or_is_what_is_usual() -> None:
    (copy, write) = predict({"copy": Span(1, 3), "write_out": Span(0, 2)})
    assert copy.expected == 2 * COSTS["copy"].expected
    assert copy.seconds.lower <= copy.expected <= (copy.seconds.upper or 0)
    assert write.seconds.upper is None
    assert write.expected == 10.24


def test_a_users_figures_are_what_to_expect() -> None:
    costs = overridden({"write_out": {"lower": 2, "upper": 4}}, "mine.toml")
    (write,) = predict({"write_out": Span(1, 1)}, costs)
    assert write.expected == 3
