"""A definition that a guard and a property share does not empty the property.

Were it always true, or always false, guard and property would agree about nothing.
So for each of them `memhp check` fails: another property, which says the same without
the definition, is not proved, or what must stay possible is out of reach.
"""

from __future__ import annotations

import pytest

from memhp.checks.mutants.judge import Judge
from memhp.checks.mutants.mutations import Mutant, mutants
from memhp.checks.mutants.samples import users
from memhp.checks.search.localise import shortest
from memhp.reference.usual import USUAL
from memhp.spec.system import SYSTEM

OUT_OF_REACH = {
    "has_reference: always true": "a_reference_is_taken_where_a_folio_has_moved",
    "has_a_piece: always false": "a_block_is_online_in_part",
    "is_back: always false": "a_failed_ej0_is_concluded_with_its_blocks",
    "going_back: always false": "a_failed_ej0_brings_its_blocks_back",
    "one_way: always false": "a_device_is_ejected",
    "stands_in_the_way: always true": "early_memory_goes_offline",
    "share_a_device: always true": "a_block_goes_while_another_has_its_memmap_elsewhere",
    "lock_is_free: always false": "a_write_is_over",
    "is_file: always false": "a_store_gets_data_that_is_out_of_date",
    "holds_up: always false": "a_removal_gives_up_on_a_silent_store",
    "may_refuse_for_good: always true": "contents_leave_a_vetted_block",
    "held_for_long: always true": "contents_leave_a_vetted_block",
    "sticky: always true": "contents_leave_a_vetted_block",
    "promised: always true": "contents_leave_a_vetted_block",
    "leaves: always true": "a_huge_folio_is_used_without_a_promise",
    "range_has_error: always true": "a_huge_folio_is_used_without_a_promise",
    "cannot_come_back: always false": "an_error_keeps_a_block_of_a_refused_device_offline",
    "waits_for_another_try: always true": "a_huge_folio_stays_after_all",
    "takes_in_nearer: always true": "a_range_that_was_left_goes_as_surplus",
    "is_free_range: always false": "a_pool_grows_in_the_removable_area",
    "reaches_into_a_draining_block: always true": "a_pool_grows_in_the_removable_area",
    "is_closed_range: always true": "surplus_changes_its_node",
    "is_open_to: always true": "a_huge_folio_moves_without_a_pool",
    "can_become_huge: always true": "a_huge_folio_moves_without_a_pool",
    "can_become_huge_nearer: always true": "a_huge_folio_moves_without_a_pool",
    "is_nearer_to: always true": "a_copied_kernel_page_stays_after_all",
}
"""What nothing reaches any more where a guard always refuses."""

MOST = 1_000_000
"""So many states are looked at, at most, for what a definition keeps out of reach."""

HARMLESS = {"rmap_reaches: always true"}
"""A walk that comes past every entry is slower, and as right: it looks for what maps the folio.

That each mapping lies where the walk of the kernel comes past is
`mappings_out_of_order_are_in_nonlinear_vmas`, which speaks of no walk.
"""

JUDGE = Judge(SYSTEM)
SHARED = [
    mutant
    for mutant in mutants(SYSTEM, kinds=("empty",))
    if all(users(SYSTEM, mutant.owner)) and str(mutant) not in HARMLESS
]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SHARED, ids=str)
def test_a_shared_definition_that_says_nothing_fails_the_check(mutant: Mutant) -> None:
    if name := OUT_OF_REACH.get(str(mutant)):
        topologies = [shape.build(SYSTEM) for shape in USUAL]
        claim = SYSTEM.property_by_name[name]
        trace = shortest(SYSTEM, topologies, claim, max_states=MOST)
        assert trace is not None
        depth = len(trace.steps)
        changed = mutant.of(SYSTEM)
        assert not shortest(changed, [trace.topology], claim, max_states=MOST, depth=depth)
    else:
        assert JUDGE.breaks(mutant)


def test_room_nowhere_breaks_the_nearest_node() -> None:
    (mutant,) = (m for m in SHARED if str(m) == "has_room: always false")
    assert JUDGE.breaks(mutant) == "no_free_frame_that_is_nearer_is_passed_over"
