"""Faults that are planted in the checker are noticed, each by the test that is named for it."""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.proof.counterexample import CounterexampleError
from memhp.checks.support.remembered import Latest, Remembered
from memhp.spec.language.system import System

from .fault import Fault
from .in_certificates import CERTIFICATES
from .in_obligations import APART, COUNTING, OBLIGATIONS
from .in_proofs import COUNTEREXAMPLES, PROPAGATION, REWRITING, SOLVERS
from .in_searches import LAYERS, SEARCHES, VERDICTS
from .in_the_argument import ARGUMENT
from .in_what_is_kept import KEPT

FAULTS = (
    *OBLIGATIONS,
    *COUNTING,
    *APART,
    *REWRITING,
    *SOLVERS,
    *PROPAGATION,
    *COUNTEREXAMPLES,
    *SEARCHES,
    *LAYERS,
    *VERDICTS,
    *ARGUMENT,
    *KEPT,
    *CERTIFICATES,
)

FAILS = (AssertionError, pytest.fail.Exception, CounterexampleError, NameError, KeyError)
"""How a test fails: it sees what is wrong, or does not find what it looks for (in a term,
a variable that nothing binds)."""


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """What was worked out before must not hide a fault, nor outlive it."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for name, module in list(sys.modules.items()):
        if not name.startswith(("memhp.checks", "memhp.spec", "memhp.reference", "tests.")):
            continue
        for each in vars(module).values():
            if isinstance(each, _lru_cache_wrapper) and name.startswith(_FORGETFUL):
                each.cache_clear()
            if isinstance(each, Latest | Remembered):
                each.forget()
            if isinstance(each, System):
                each.expanded.clear()


_FORGETFUL = ("memhp.checks", "memhp.spec.language", "memhp.reference")


@pytest.mark.usefixtures("nothing_remembered")
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_in_the_checker_is_noticed(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"tmp_path": tmp_path}
    wanted = inspect.signature(fault.noticed_by).parameters
    arguments: dict[str, Any] = {name: places[name] for name in wanted if name in places}
    fault.plant(monkeypatch)
    with pytest.raises(FAILS):
        fault.noticed_by(**arguments)


def test_every_part_of_the_checker_has_faults() -> None:
    modules = Counter(fault.module for fault in FAULTS)
    assert modules.keys() == {
        "argument",
        "case",
        "batch",
        "cache",
        "certificates",
        "compile",
        "counterexample",
        "counting",
        "cuts",
        "cpc",
        "rounds",
        "trivial",
        "decision",
        "goals",
        "earlier",
        "lasso",
        "keys",
        "standing",
        "layers",
        "localise",
        "obligations",
        "pool",
        "questions",
        "proofs",
        "propagate",
        "prove",
        "usual",
        "remembered",
        "rewrite",
        "run",
        "scopes",
        "search",
        "smt",
        "solvers",
        "tables",
        "traces",
        "tracing",
        "verdicts",
    }
    assert len({fault.what for fault in FAULTS}) == len(FAULTS)
