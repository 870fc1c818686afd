"""Faults in what confirms proofs, and in what looks at certificates that were kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from shutil import copytree

import pytest

from memhp.checks.proof import certificates, cpc, prove
from memhp.checks.proof import proofs as keeping

from ..proof import test_cpc, test_proofs
from .fault import Fault


@cache
def _whole() -> tempfile.TemporaryDirectory[str]:
    """Proofs as they must be, made once."""
    folder = tempfile.TemporaryDirectory()
    test_proofs.proofs_in(Path(folder.name, "proofs"))
    return folder


def _spoilt(test: Callable[[Path], None]) -> None:
    _whole()
    with tempfile.TemporaryDirectory() as folder:
        test(Path(copytree(Path(_whole().name, "proofs"), Path(folder, "proofs"))))


def _patched(test: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        test(patch)


def _forged(name: str) -> None:
    test_cpc.test_what_cvc5_would_not_write_is_no_proof(test_cpc.FORGED[name])


CERTIFICATES = (
    Fault(
        "a step without a reason confirms",
        certificates.certify,
        "case.confirmed = certificate.account.is_whole",
        "case.confirmed = True",
        partial(
            _patched, test_proofs.test_a_step_without_a_reason_leaves_the_property_undetermined
        ),
    ),
    Fault(
        "a proof may rest on what is not confirmed",
        certificates.certify,
        "_lose(work, premises)",
        "pass",
        partial(
            _patched,
            partial(
                test_proofs.test_what_rests_on_a_property_that_is_not_confirmed_is_not_certified,
                "sat",
                ["nobody_lives_in_free_frames"],
            ),
        ),
    ),
    Fault(
        "it need not be confirmed that updates stay apart",
        prove._Reporter._is_shown,
        " and (case.confirmed or not self.certify)",
        "",
        partial(_patched, test_proofs.test_nothing_is_certified_while_updates_may_meet),
    ),
    Fault(
        "only the rule that is called trust gives no reason",
        cpc._trust,
        "bool(_TRUST.search(rule))",
        'rule == "trust"',
        partial(
            test_cpc.test_steps_without_a_reason_are_counted,
            "(step @p1 a :rule trust_theory_rewrite)\n(step @p2 false :rule contra)\n",
            1,
        ),
    ),
    Fault(
        "a proof need not end in false",
        cpc._Reading.account,
        "self._trusted + 1",
        "self._trusted",
        partial(test_cpc.test_steps_without_a_reason_are_counted, "(step @p1 a :rule contra)\n", 1),
    ),
    Fault(
        "a certificate may be missing",
        keeping._Verification._of,
        'yield f"{each.name} has no certificate"',
        "pass",
        partial(_spoilt, test_proofs.test_a_certificate_that_is_left_out_is_missed),
    ),
    Fault(
        "what a proof rests on needs no certificate",
        keeping._Verification.faults,
        "todo += sorted(more)",
        "pass",
        partial(_spoilt, test_proofs.test_so_is_a_whole_property_and_what_the_others_rest_on),
    ),
    Fault(
        "any obligation will do",
        keeping._Verification._of_row,
        'if digest(text) != row["obligation"]:',
        "if False:",
        partial(_spoilt, test_proofs.test_the_proof_of_another_obligation_is_no_certificate),
    ),
    Fault(
        "a proof may assume anything",
        cpc._Reading._take,
        "self._foreign += self._table.of_proof(term, self._named) not in self._granted",
        "pass",
        partial(_spoilt, test_proofs.test_nor_is_it_if_the_manifest_has_its_digest),
    ),
    Fault(
        "a proof may declare anything",
        cpc._Reading._take,
        "self._foreign += self._table.of_proof(command, {}) not in self._granted",
        "pass",
        partial(_forged, "an enumeration of fewer members"),
    ),
    Fault(
        "a proof may have commands of any kind",
        cpc._Reading._take,
        'raise ValueError("a command of the proof is not known")',
        "pass",
        partial(_forged, "a rule of its own"),
    ),
    Fault(
        "false may be supposed",
        cpc._Reading.account,
        "if not self._depth",
        "",
        partial(_forged, "a scope that stays open"),
    ),
    Fault(
        "what shows that updates stay apart needs no certificates",
        keeping._Verification.faults,
        "*self._used(updates)",
        "",
        partial(
            _spoilt, test_proofs.test_what_shows_that_updates_stay_apart_needs_certificates_too
        ),
    ),
    Fault(
        "anything may be assumed",
        keeping._Verification._of_row,
        'if len(parts) != len(row["assumes"]):',
        "if False:",
        partial(_spoilt, test_proofs.test_what_may_not_be_assumed_is_told),
    ),
    Fault(
        "a proof may be another one than the manifest says",
        keeping._Verification._of_row,
        'if digest(proof) != row["proof"]:',
        "if False:",
        partial(_spoilt, test_proofs.test_a_proof_that_was_changed_is_told),
    ),
)
