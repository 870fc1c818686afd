"""A counter is proved exact for machines of every size, and every way to miscount is refuted."""

from __future__ import annotations

import pytest

from memhp.checks.proof.prove import prove
from memhp.checks.support.verdicts import Verdict
from memhp.reference import Machine, Shape
from memhp.spec.folios.page_tables import Pte, mapcount, pte_folio
from memhp.spec.language import DropUpdate, ReplaceUpdate
from memhp.spec.language.syntax import Int
from memhp.spec.system import SYSTEM

EXACT = "map_counts_are_exact"


def _twice(p: Pte) -> Int:
    return mapcount[pte_folio[p]] - 2


def test_the_map_count_is_exact_whatever_the_size() -> None:
    result = prove(SYSTEM, only={EXACT}, jobs=1, certify=True).of(EXACT)
    assert (result.verdict, result.scope, result.certified) == (
        Verdict.proved,
        "every size",
        True,
    )


@pytest.mark.parametrize(
    "edit",
    [
        DropUpdate("fault", "mapcount"),
        DropUpdate("remap_file_pages", "mapcount"),
        DropUpdate("unmap", "mapcount"),
        ReplaceUpdate("unmap", "mapcount", _twice),
    ],
    ids=str,
)
def test_a_miscount_is_refuted_by_the_action_that_miscounts(
    edit: DropUpdate | ReplaceUpdate,
) -> None:
    result = prove(edit.apply(SYSTEM), only={EXACT}, jobs=1).of(EXACT)
    assert [failure.action for failure in result.failures] == [edit.action]
    assert result.verdict is Verdict.refuted


def test_the_reference_counts_too() -> None:
    machine = Machine(SYSTEM, Shape(blocks=2, ptes=2, folios=1).build(SYSTEM))
    machine.step("alloc_folio", o=0, f=0, k="anonymous")
    machine.step("fault", p=0)
    machine.step("fault", p=1)
    assert machine.get("mapcount", 0) == 2
    assert not machine.violations()
    assert not machine.step("free_folio", o=0)
    assert machine.at(list(machine.values)).key() == machine.key()
