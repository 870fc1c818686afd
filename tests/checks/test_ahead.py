"""Two processes share the search for traces: none is left out, and both find the same."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from memhp.checks import ahead
from memhp.checks.ahead import Ahead, traces_ahead
from memhp.checks.search.usual import reach
from memhp.checks.support.parallel import is_alone
from memhp.spec.system import SYSTEM

TARGETS = [
    SYSTEM.property_by_name[name]
    for name in ("a_whole_node_is_gone", "an_altmap_is_freed", "a_usage_map_is_freed")
]
ALONE, _ = reach(SYSTEM, TARGETS)


def traces(shared: Ahead) -> dict[str, object]:
    return {claim.name: trace for claim, trace in shared.found()}


def test_both_together_find_what_one_finds_alone() -> None:
    """Nothing is looked for ahead where this process cannot be forked."""
    with traces_ahead(SYSTEM, TARGETS, None, jobs=2) as shared:
        assert shared
        assert traces(shared) == (ALONE if is_alone() else {})


def test_who_has_proved_takes_what_the_other_has_not_begun() -> None:
    """The other one looks for the first, and sends it only once it is asked."""
    begun = ahead._Begun(TARGETS)
    assert begun.take(TARGETS[0])

    def sent() -> Iterator[ahead._Sent]:
        assert not any(map(begun.take, TARGETS))
        first = ALONE[TARGETS[0].name]
        yield TARGETS[0].name, (first.topology, first.steps, first.params)
        yield False

    assert traces(Ahead(SYSTEM, TARGETS, None, begun, sent())) == ALONE


def test_what_a_forked_process_takes_is_taken_here() -> None:
    begun = ahead._Begun(TARGETS)
    child = os.fork()
    if not child:
        begun.take(TARGETS[0])
        os._exit(0)
    os.waitpid(child, 0)
    begun.know(TARGETS[0])  # its trace has come
    assert begun.left(TARGETS) == TARGETS[1:]
    assert not begun.take(TARGETS[0])


@pytest.mark.parametrize("known", [0, len(TARGETS)])
def test_nothing_is_taken_before_it_is_known_what_the_folder_has(known: int) -> None:
    begun = ahead._Begun(TARGETS)
    for claim in TARGETS[:known]:
        begun.know(claim)
    assert not begun.left(TARGETS)


def test_with_one_process_nothing_is_looked_for_ahead() -> None:
    with traces_ahead(SYSTEM, TARGETS, None, jobs=1) as shared:
        assert shared is None
