"""What is drawn has each state and each step, and what is wrong in red."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import memhp.examples
from memhp.checks.explore.dot import dot
from memhp.cli.main import main
from memhp.examples import last_block
from memhp.reference import Machine, Topology, graph
from memhp.spec.language import apply, load

EXAMPLE = Path(memhp.examples.__file__).parent / "last_block.py"
SYSTEM = load("last_block", (last_block,))
THREE = Topology({"Block": 3}, {})


def test_each_state_and_step_is_drawn() -> None:
    states = graph(Machine(SYSTEM, THREE), 9)
    text = dot(states, SYSTEM.properties)
    assert len(re.findall(r"(?m)^  \d+ \[label=", text)) == len(states) == 7
    assert len(re.findall(r"(?m)^  \d+ -> \d+ ", text)) == states.number_of_edges() == 18
    assert "red" not in text


def test_what_is_violated_is_red() -> None:
    careless = apply(SYSTEM, last_block.CARELESS)
    text = dot(graph(Machine(careless, THREE), 9), careless.properties)
    (wrong,) = re.findall(r"(?m)^.*color=red.*$", text)
    assert all(f"online[block{number}]: false" in wrong for number in range(3))
    assert "red" not in dot(graph(Machine(careless, THREE), 9), ())


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "states.dot"
    assert main(["explore", "--system", str(EXAMPLE), "--dot", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 3 states, 4 steps\n"
    assert path.read_text().startswith('digraph "last_block@')
    assert main(["explore", "--depth", "1", "--dot", str(path)]) == 0
    assert 'label="at boot"' in path.read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--system", str(EXAMPLE), "--scope", "block=12"], "there are more than 2,000 states"),
        (["--scope", "block=2"], "choose it with --machine"),
        (["--system", str(EXAMPLE), "--symmetry"], "without --symmetry"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(["explore", "--dot", str(tmp_path / "x.dot"), *words]) == 2
    assert says in capsys.readouterr().err
