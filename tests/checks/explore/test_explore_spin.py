"""Spin counts the same states and transitions on the exported model."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from memhp.checks.explore.run import explore, spin_model
from memhp.checks.ground.parts import restricted, sliced
from memhp.checks.support.compiler import compiler
from memhp.reference.shapes import Shape
from memhp.spec.system import SYSTEM

CC = compiler()
pytestmark = pytest.mark.skipif(
    CC is None or shutil.which("spin") is None, reason="there is no Spin, or no C compiler"
)

BLOCKS = sliced(restricted(SYSTEM, {"blocks", "alloc_kernel", "free_kernel"}), [])
CYCLE = restricted(SYSTEM, {"sections", "blocks", "firmware", "alloc_kernel", "free_kernel"})
MOVES = restricted(SYSTEM, {"alloc_folio", "fault", "unmap", "migration", "destination"})

SCOPES = [
    (BLOCKS, Shape(blocks=3, frames=2)),
    (CYCLE, Shape(blocks=2, added=frozenset([1]), memmaps="pgdat")),
    (MOVES, Shape(blocks=2, folios=2, ptes=2)),
]


def by_spin(folder: Path, model: str) -> tuple[int, int]:
    """The states and transitions that Spin counts; it counts the boot state among both."""
    (folder / "model.pml").write_text(model)
    program = folder / "pan"
    flags = ["-O1", "-w", "-DSAFETY", "-DNOREDUCE"]
    subprocess.run(["spin", "-o2", "-a", "model.pml"], cwd=folder, check=True, capture_output=True)
    subprocess.run(
        [*(CC.command if CC else ()), *flags, "-o", program, "pan.c"], cwd=folder, check=True
    )
    command = [program, "-m1000000"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    assert re.search(r"errors: 0$", done.stdout, re.MULTILINE), done.stdout
    assert "max search depth too small" not in done.stdout
    states = re.search(r"(\d+) states, stored", done.stdout)
    transitions = re.search(r"(\d+) transitions \(= stored\+matched\)", done.stdout)
    assert states
    assert transitions
    return int(states[1]), int(transitions[1]) - 1


@pytest.mark.parametrize("number", range(len(SCOPES)))
def test_spin_counts_the_same_states_and_transitions(number: int, tmp_path: Path) -> None:
    system, shape = SCOPES[number]
    topology = shape.build(system)
    result = explore(system, topology, [])
    assert result.states > 1000
    assert by_spin(tmp_path, spin_model(system, topology)) == (result.states, result.transitions)
