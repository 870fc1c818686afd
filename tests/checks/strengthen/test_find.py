"""Of many candidates those come first that exclude most counterexamples."""

from __future__ import annotations

import numpy as np

from memhp.checks.ground.bulk import Bulk
from memhp.checks.strengthen.atoms import Literal, literals
from memhp.checks.strengthen.clauses import Cube
from memhp.checks.strengthen.find import Candidates, Found
from memhp.examples import lock_service
from memhp.reference import Topology
from memhp.spec.language import load
from memhp.spec.language.terms import Var

SYSTEM = load("lock service", (lock_service,))
SORTS = {sort.name: sort for sort in SYSTEM.sorts}
S, C = (Var(name.lower()[0], SORTS[name], "test") for name in ("Server", "Client"))
NAMES = frozenset(variable.symbol.name for variable in SYSTEM.variables)
LITERALS = {str(each.term): each for each in literals(SYSTEM, NAMES, (S, C))}


def found(*texts: str) -> Found:
    chosen: tuple[Literal, ...] = tuple(LITERALS[text] for text in texts)
    return Found(Cube(chosen, 1000.0), (S, C))


HELD_AND_FREE = found("holds[s, c]", "has_lock[s]")
GRANTED_AND_FREE = found("granted[s, c]", "has_lock[s]")
HELD = found("holds[s, c]")


def state(*true: str) -> Bulk:
    """Of one server and one client; those variables are true."""
    values = [int(variable.symbol.name in true) for variable in SYSTEM.variables]
    return Bulk(SYSTEM, Topology({"Server": 1, "Client": 1}, {}), np.array([values]))


def test_the_simplest_comes_first_while_no_state_was_met() -> None:
    candidates = Candidates([HELD_AND_FREE, HELD, GRANTED_AND_FREE])
    assert candidates.likeliest()[0] is HELD


def test_what_excludes_most_comes_first_however_long() -> None:
    candidates = Candidates([HELD, HELD_AND_FREE, GRANTED_AND_FREE])
    candidates.meet(state("granted", "has_lock"))
    assert candidates.likeliest() == [GRANTED_AND_FREE, HELD, HELD_AND_FREE]


def test_few_exclude_every_state_that_was_met() -> None:
    candidates = Candidates([HELD, HELD_AND_FREE, GRANTED_AND_FREE])
    candidates.meet(state("granted", "has_lock"))
    candidates.meet(state("holds"))
    assert candidates.few(()) == [HELD, GRANTED_AND_FREE]
    candidates.meet(state("holds", "granted", "has_lock"))
    assert candidates.few(()) == [HELD, GRANTED_AND_FREE]
    assert candidates.few({HELD.key}) == [GRANTED_AND_FREE]


def test_one_is_enough_where_it_excludes_all() -> None:
    candidates = Candidates([HELD, HELD_AND_FREE])
    candidates.meet(state("holds", "has_lock"))
    assert candidates.few(()) == [HELD]
    assert candidates.few({HELD.key}) == [HELD_AND_FREE]
    assert candidates.few({HELD.key, HELD_AND_FREE.key}) == []
