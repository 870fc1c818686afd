"""Tests as functions without parameters, for a fault to name (see `faults`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .. import test_false_claims as claims
from ..proof import test_obligations_mean_what_they_say as meaning
from ..proof import test_prove as proofs
from ..search import test_searches_of_toys as searches


def refuted(name: str) -> Callable[[], None]:
    return partial(claims.test_a_false_claim_is_refuted_where_it_breaks, name)


def says(name: str, kind: str) -> Callable[[], None]:
    return partial(meaning.test_an_obligation_says_what_the_interpreter_finds, name, kind)


def all_there(name: str) -> Callable[[], None]:
    return partial(claims.test_every_property_has_every_obligation, name)


def ground(name: str, sizes: dict[str, int]) -> Callable[[], None]:
    return partial(meaning.test_a_ground_query_says_what_every_small_machine_shows, name, sizes)


def mini(name: str) -> Callable[[], None]:
    return partial(claims.test_a_ground_query_is_about_what_is_there, name, *claims.THERE[name])


def trace(name: str) -> Callable[[], None]:
    row = next(each for each in searches.REACHED if each[2] == name and each[3] is not None)
    return partial(searches.test_a_trace_is_as_long_as_the_walk_is_deep, *row)


def no_trace(name: str) -> Callable[[], None]:
    row = next(each for each in searches.REACHED if each[2] == name and each[3] is None)
    return partial(searches.test_a_trace_is_as_long_as_the_walk_is_deep, *row)


RESTS = partial(proofs.test_what_rests_on_a_refuted_property_is_not_proved, claims.TOYS["toy"])
SMALL_ALONE = claims.test_what_is_true_of_the_small_machines_alone_is_not_proved
FORGET = ("toy_moves", "forget", "forget")
