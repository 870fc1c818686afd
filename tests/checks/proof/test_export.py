"""Exported files are complete, and both solvers read and confirm them."""

from __future__ import annotations

from pathlib import Path

import cvc5
import pytest
import z3

from memhp.checks.proof.prove import export
from memhp.spec.language import DropGuard, System


@pytest.fixture(scope="module")
def exported(system: System, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The toy's files."""
    folder = tmp_path_factory.mktemp("export")
    count = export(system, folder, jobs=1)
    files = sorted(folder.iterdir())
    assert count == len(files) == 45
    return files


def test_a_file_says_what_it_is(exported: list[Path]) -> None:
    (file,) = (f for f in exported if f.name == "nobody_lives_in_free_frames__online.smt2")
    first, second, *_, last = file.read_text().splitlines()
    assert first == "; toy: property nobody_lives_in_free_frames, action online (consecution)"
    assert (second, last) == ("(set-info :status unsat)", "(check-sat)")


def test_z3_confirms_every_file(exported: list[Path]) -> None:
    for file in exported:
        solver = z3.Solver(ctx=z3.Context())
        solver.from_file(str(file))
        assert str(solver.check()) == "unsat", file.name


def test_cvc5_confirms_every_file(exported: list[Path]) -> None:
    for file in exported:
        solver = cvc5.Solver(cvc5.TermManager())
        parser = cvc5.InputParser(solver)
        parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, str(file))
        output = ""
        while not (command := parser.nextCommand()).isNull():
            output += command.invoke(solver, parser.getSymbolManager())
        assert output.strip() == "unsat", file.name


def test_a_refuted_obligation_does_not_claim_to_be_proved(system: System, tmp_path: Path) -> None:
    export(DropGuard("born", "free").apply(system), tmp_path, jobs=1)
    text = (tmp_path / "folios_do_not_share__born.smt2").read_text()
    assert "(set-info :status sat)" in text


def test_a_file_assumes_what_its_proof_uses(system: System, tmp_path: Path) -> None:
    export(system, tmp_path, only=["nobody_lives_in_free_frames"], jobs=1)
    text = (tmp_path / "nobody_lives_in_free_frames__online.smt2").read_text()
    assert ":named always.folios_live_in_blocks_that_are_not_offline)" in text
