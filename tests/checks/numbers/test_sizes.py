"""Claims on section and block sizes: verdicts, counterexamples, published sizes."""

from __future__ import annotations

import pytest

from memhp.checks.numbers.sizes import prove_claim
from memhp.spec.numbers.architectures import ARCHITECTURES, GIB, MIB, architecture
from memhp.spec.numbers.section_size import (
    ANY_MEMORY,
    CLAIMS,
    CONSTRAINTS,
    Claim,
    ppc64_block_size,
)


def choose(condition: bool, this: int, other: int) -> int:
    return this if condition else other


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.name)
def test_each_claim_has_the_verdict_it_declares(claim: Claim) -> None:
    result = prove_claim(claim)
    assert result.as_declared, result
    if result.x is not None:  # the counterexample breaks the claim in plain Python too
        assert claim.assume(result.case, result.x)
        assert not claim.show(result.case, result.x, choose)


@pytest.mark.parametrize("row", ["R1", "R2", "R3", "R4"])
def test_each_row_has_a_true_claim_and_a_refuted_one(row: str) -> None:
    assert {c.true for c in CLAIMS if row in c.covers} == {True, False}


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda a: a.name)
def test_the_section_of_each_architecture_satisfies_every_constraint(arch) -> None:  # type: ignore[no-untyped-def]
    assert [
        name for name, holds in CONSTRAINTS.items() if not holds(arch, ANY_MEMORY, arch.section)
    ] == []


def test_flat_tables_are_those_worked_out_by_hand() -> None:
    """2**(46-27), 2**(52-27) and 2**(50-30) entries of 16 bytes."""
    assert architecture("x86_64").flat_table(128 * MIB) == 8 * MIB
    assert architecture("x86_64-la57").flat_table(128 * MIB) == 512 * MIB
    assert architecture("ia64-16k").flat_table(GIB) == 16 * MIB


def test_the_ppc64_rule_keeps_1_gib_for_a_node_of_128_mib() -> None:
    assert ppc64_block_size(128 * MIB, choose) == GIB
    assert ppc64_block_size(GIB + 256 * MIB, choose) == 64 * MIB
