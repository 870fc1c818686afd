"""A proof in CPC is read as what cvc5 writes, and as nothing else."""

from __future__ import annotations

import pytest

from memhp.checks.proof.cpc import account


@pytest.mark.parametrize(
    ("proof", "count"),
    [
        ("(assume @p1 false)\n(step @p2 false :rule contra :premises (@p1))\n", 0),
        ("(step @p1 false :rule trust :premises () :args (false))\n", 1),
        ("(step @p1 a :rule trust_theory_rewrite)\n(step @p2 false :rule contra)\n", 1),
        ("(assume-push @p3 a)(step @p1 a :rule macro_rw)(step-pop @p2 false :rule hole)", 3),
        ("(step @p1 a)\n(step @p2 false :rule contra)\n", 1),
        ("(step @p1 a :rule contra)\n", 1),
        ("", 1),
    ],
)
def test_steps_without_a_reason_are_counted(proof: str, count: int) -> None:
    assert account(proof, "").trusted == count


TEXT = """(declare-datatypes ((Mode 0)) (((Mode.on) (Mode.off))))
(declare-fun mode (Mode) Mode) (declare-const m Mode)
(assert (! (not (= m Mode.on)) :named goal))"""
REFL = "(step @p2 (= false false) :rule refl :args (false))\n"
FORGED = {
    "a rule of its own": "(declare-rule free () :conclusion false)\n(step @p1 false :rule free)\n",
    "an enumeration of fewer members": "(declare-datatypes ((Mode 0)) (((Mode.on))))\n"
    "(declare-const m Mode)\n(assume @p1 (not (= m Mode.on)))\n(step @p2 false :rule contra)\n",
    "a function of another sort": "(declare-const mode (-> Bool Mode))\n"
    "(assume @p1 (not (= m Mode.on)))\n(step @p2 false :rule contra)\n",
    "a step where nobody looks": f" (step @p1 false :rule trust)\n{REFL}"
    "(step @p3 false :rule eq_resolve :premises (@p1 @p2))\n",
    "two rules of one step": "(step @p1 false :rule trust :premises () :rule contra)\n",
    "a rule that is a list": "(step @p1 false :rule (contra))\n",
    "a scope that stays open": f"(assume-push @p1 false)\n{REFL}"
    "(step @p3 false :rule eq_resolve :premises (@p1 @p2))\n",
    "a scope that was never opened": "(step-pop @p1 false :rule scope)\n(assume-push @p2 false)\n"
    "(step @p3 false :rule contra)\n",
    "false has another meaning": "(define false () true)\n(step @p1 false :rule true_intro)\n",
    "a name with two meanings": "(define @t1 () (not (= m Mode.on)))\n(define @t1 () false)\n"
    "(assume @p1 @t1)\n(step @p2 false :rule contra)\n",
    "a comment": "; (step\n(step @p1 false :rule contra)\n",
    "a quoted name": "(step @p1 false :rule contra :args (|(|))\n(assume @p2 false)\n",
    "it ends in something else": "(step @p1 false :rule contra)\n(define @t1 () true)\n",
    "a parenthesis too many": "(step @p1 false :rule contra))\n",
}


@pytest.mark.parametrize("proof", FORGED.values(), ids=FORGED)
def test_what_cvc5_would_not_write_is_no_proof(proof: str) -> None:
    assert not account(proof, TEXT).is_whole


def test_what_it_would_write_is_one() -> None:
    proof = """(declare-datatypes ((Mode 0)) (((Mode.on) (Mode.off))))
(declare-const mode (-> Mode Mode))
(declare-const m Mode)
(define @t1 () (= m Mode.on))
(assume @p1 (not @t1))
(assume-push @p2 @t1)
(step @p3 :rule refl :args (m))
(step-pop @p4 :rule scope :premises (@p3))
(step @p5 false :rule contra :premises (@p4 @p1))
"""
    assert account(proof, TEXT).is_whole
    assert account(proof, TEXT).steps == 3
    assert not account(proof, TEXT.replace("(declare-const m Mode)", "")).is_whole
