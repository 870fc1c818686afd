"""Each kind of obligation says what the plain interpreter finds when it takes the steps.

Both directions, on machines drawn at random and in states whether or not the
invariants hold; `interpreter` says how each kind is judged.
"""

from __future__ import annotations

import pytest

from memhp.spec.language import System, load

from .. import toy_moves, toy_pages
from ..agreements import agreements, overlapping
from ..altered import joined, unguarded
from ..explore.brute_force import compare

TOYS = {module.__name__.rpartition(".")[2]: module for module in (toy_pages, toy_moves)}
KINDS = ("initiation", "consecution", "counting", "step", "enabled", "progress")

MEETINGS = (
    ("toy_pages", "follow", "spread"),
    ("toy_pages", "drop", "soil"),
    ("toy_pages", "spread", "evacuate"),
    ("toy_moves", "finish", "shove"),
    ("toy_moves", "forget", "forget"),
    ("toy_moves", "begin", "forget"),
    ("toy_moves", "finish", "give_up"),
)
"""Actions that are done in one step, though both write one variable."""


def loaded(name: str) -> System:
    return load(name, (TOYS[name],))


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_obligation_says_what_the_interpreter_finds(name: str, kind: str) -> None:
    verdicts = agreements(loaded(name), kind)
    assert min(verdicts[True], verdicts[False]) > 20, "one verdict alone says little"


@pytest.mark.parametrize(("name", "first", "second"), MEETINGS)
def test_updates_are_apart_where_no_place_is_written_twice(
    name: str, first: str, second: str
) -> None:
    verdicts = agreements(joined(loaded(name), first, second), "disjoint")
    assert verdicts[True] > 50
    assert verdicts[False] > 5


@pytest.mark.parametrize(("name", "first", "second"), MEETINGS)
def test_of_two_updates_of_a_place_the_later_one_counts(name: str, first: str, second: str) -> None:
    """Such steps are refused; till then, the proof and the interpreter see the same one."""
    system = joined(loaded(name), first, second)
    assert overlapping(system, f"{first}_and_{second}")[False] > 5


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("toy_pages", {"Node": 2, "Page": 1}),
        ("toy_pages", {"Node": 1, "Page": 2}),
        ("toy_moves", {"Block": 2, "Folio": 1}),
    ],
)
def test_a_ground_query_says_what_every_small_machine_shows(
    name: str, sizes: dict[str, int]
) -> None:
    """Without guards, so that much can fail."""
    verdicts = compare(unguarded(loaded(name)), sizes)
    assert verdicts[True] > 3
    assert verdicts[False] > 20
