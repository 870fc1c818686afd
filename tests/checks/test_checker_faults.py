"""Faults that are planted in the checker are noticed, each by the test that is named for it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memhp.checks import localise, search, smt
from memhp.checks.counterexample import CounterexampleError
from memhp.checks.explore import tables

from .faults import Fault
from .faults_in_obligations import APART, COUNTING, OBLIGATIONS
from .faults_in_proofs import COUNTEREXAMPLES, REWRITING, SOLVERS
from .faults_in_searches import LAYERS, SEARCHES, VERDICTS
from .faults_in_the_argument import ARGUMENT

FAULTS = (
    *OBLIGATIONS,
    *COUNTING,
    *APART,
    *REWRITING,
    *SOLVERS,
    *COUNTEREXAMPLES,
    *SEARCHES,
    *LAYERS,
    *VERDICTS,
    *ARGUMENT,
)

FAILS = (AssertionError, pytest.fail.Exception, CounterexampleError, NameError, KeyError)
"""How a test fails: it sees what is wrong, or does not find what it looks for (in a term,
a variable that nothing binds)."""


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """What texts were made before must not hide a fault, nor outlive it."""
    caches = (smt._signature, smt._size, smt._asserted)
    remembered = (localise._known.clear, tables.tables.forget, search.booted.forget)
    forgets = [*(each.cache_clear for each in caches), *remembered]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.mark.usefixtures("nothing_remembered")
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_in_the_checker_is_noticed(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"tmp_path": tmp_path}
    wanted = inspect.signature(fault.noticed_by).parameters
    given: dict[str, Any] = {name: places[name] for name in wanted if name in places}
    fault.plant(monkeypatch)
    with pytest.raises(FAILS):
        fault.noticed_by(**given)


def test_every_part_of_the_checker_has_faults() -> None:
    found = Counter(fault.module for fault in FAULTS)
    assert found.keys() == {
        "argument",
        "attempts",
        "cache",
        "compile",
        "counterexample",
        "decide",
        "decided",
        "lasso",
        "layers",
        "localise",
        "obligations",
        "pool",
        "probes",
        "prove",
        "reach",
        "remembered",
        "rewrite",
        "run",
        "scopes",
        "search",
        "smt",
        "solvers",
        "tables",
        "verdicts",
    }
    assert len({fault.what for fault in FAULTS}) == len(FAULTS)
