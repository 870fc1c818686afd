"""What a proof says beside the guards, the form of the updates, and other invariants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.proof.strength import Strength, strengths_of_invariants, strengths_of_steps
from memhp.spec.language import System
from memhp.spec.system import SYSTEM


def of(*names: str) -> System:
    """The specification with these properties alone."""
    claims = tuple(SYSTEM.property_by_name[name] for name in names)
    return replace(SYSTEM, properties=claims)


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("giving_up_moves_nothing", Strength.form),
        ("trying_again_ends", Strength.form),
        ("vetoes_are_respected", Strength.guards),
    ],
)
def test_a_step_that_no_invariant_is_needed_for_says_what_guards_or_updates_say(
    name: str, strength: Strength
) -> None:
    assert strengths_of_steps(of(name)) == {name: strength}
    assert not strength.counts


def test_a_step_that_needs_an_invariant_is_an_argument_over_states() -> None:
    needed = "stores_reach_the_folio", "ptes_map_the_frame_that_their_folio_lives_in"
    strengths = strengths_of_steps(of(*needed))
    assert strengths == {needed[0]: Strength.states}
    assert strengths[needed[0]].counts


def test_of_two_invariants_that_follow_from_each_other_one_stays() -> None:
    both = (
        "kernel_frames_stay_out_of_the_removable_area",
        "removable_blocks_hold_no_unmovable_frame",
    )
    assert strengths_of_invariants(of(*both)) == {
        both[0]: Strength.states,
        both[1]: Strength.follows,
    }
    for name in both:
        assert strengths_of_invariants(of(name)) == {name: Strength.states}


def test_an_exact_counter_follows_from_nothing() -> None:
    name = "pools_count_their_folios"
    assert strengths_of_invariants(of(name)) == {name: Strength.states}


def test_without_the_guard_that_it_restates_a_step_is_not_shown() -> None:
    """What is called restated is what the guards say: without them nothing shows it."""
    system = of("vetoes_are_respected")
    bare = tuple(replace(action, guards=()) for action in system.actions)
    assert strengths_of_steps(replace(system, actions=bare)) == {
        "vetoes_are_respected": Strength.states
    }
