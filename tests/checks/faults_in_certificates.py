"""Faults in what confirms proofs, and in what looks at certificates that were kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from shutil import copytree

import pytest

from memhp.checks import certificates, cpc
from memhp.checks import proofs as keeping

from . import test_proofs as kept
from .faults import Fault


@cache
def _whole() -> tempfile.TemporaryDirectory[str]:
    """Proofs as they must be, made once."""
    folder = tempfile.TemporaryDirectory()
    kept.kept(Path(folder.name, "proofs"))
    return folder


def _spoilt(test: Callable[[Path], None]) -> None:
    _whole()
    with tempfile.TemporaryDirectory() as folder:
        test(Path(copytree(Path(_whole().name, "proofs"), Path(folder, "proofs"))))


def _trusting() -> None:
    with pytest.MonkeyPatch.context() as patch:
        kept.test_a_step_without_a_reason_leaves_the_property_undetermined(patch)


CERTIFICATES = (
    Fault(
        "a step without a reason confirms",
        certificates.certify,
        "case.confirmed = not found.trusted",
        "case.confirmed = True",
        _trusting,
    ),
    Fault(
        "only the rule that is called trust gives no reason",
        certificates.trusted,
        "bool(_NO_REASON.search(rule))",
        'rule == "trust"',
        partial(
            kept.test_steps_without_a_reason_are_counted,
            "(step @p1 a :rule trust_theory_rewrite)\n(step @p2 false :rule contra)\n",
            1,
        ),
    ),
    Fault(
        "a proof need not end in false",
        certificates.trusted,
        "(not _END.search(proof))",
        "0",
        partial(kept.test_steps_without_a_reason_are_counted, "(step @p1 a :rule contra)\n", 1),
    ),
    Fault(
        "a certificate may be missing",
        keeping._Verification._of,
        'yield f"{each.name} has no certificate"',
        "pass",
        partial(_spoilt, kept.test_a_certificate_that_is_left_out_is_missed),
    ),
    Fault(
        "what a proof rests on needs no certificate",
        keeping._Verification.faults,
        "todo += sorted(more - seen)",
        "pass",
        partial(_spoilt, kept.test_so_is_a_whole_property_and_what_the_others_rest_on),
    ),
    Fault(
        "any obligation will do",
        keeping._Verification._of_row,
        'if digest(text) != row["obligation"]:',
        "if False:",
        partial(_spoilt, kept.test_the_proof_of_another_obligation_is_no_certificate),
    ),
    Fault(
        "a proof may assume anything",
        cpc.foreign,
        "count += table.of_proof(term, named) not in asserted",
        "pass",
        partial(_spoilt, kept.test_nor_is_it_if_the_manifest_has_its_digest),
    ),
    Fault(
        "anything may be assumed",
        keeping._Verification._of_row,
        'if len(parts) != len(row["assumes"]):',
        "if False:",
        partial(_spoilt, kept.test_what_may_not_be_assumed_is_told),
    ),
    Fault(
        "a proof may be another one than the manifest says",
        keeping._Verification._of_row,
        'if digest(proof) != row["proof"]:',
        "if False:",
        partial(_spoilt, kept.test_a_proof_that_was_changed_is_told),
    ),
)
