"""`memhp export vectors`: what it covers, and that an implementation without memhp can be asked."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import memhp.examples.vectors_reader as reader
from memhp.checks.fuzz.topologies import SHAPES, built_for
from memhp.checks.fuzz.vectors import Vectors
from memhp.cli import export
from memhp.cli.main import main
from memhp.engine import EngineTarget
from memhp.reference import Topology
from memhp.reference.topology import Value, readable
from memhp.spec.system import SYSTEM

NAME = "one_node"


class Engine:
    """The engine, as the reader wants an implementation: machines are documents."""

    def __init__(self) -> None:
        self.target = EngineTarget()
        self.operations = EngineTarget.operations

    def reset(self, machine: Mapping[str, Any]) -> None:
        tables = {name: table["values"] for name, table in machine["tables"].items()}
        functions = {
            symbol.name: self._table(machine["sizes"], symbol, tables[symbol.name])
            for symbol in SYSTEM.topology
        }
        try:
            self.target.reset(Topology.build(SYSTEM, machine["sizes"], functions))
            self.operations = EngineTarget.operations
        except ValueError:  # its blocks are all of one size
            self.operations = frozenset()

    def _table(self, sizes: Mapping[str, int], symbol: Any, values: list[Value]) -> Any:
        points = Topology(sizes, {}).points(symbol.domain)
        by_point = dict(zip(points, values, strict=True))
        return lambda *point: by_point[point]

    def do(self, operation: str, *params: Any) -> int | None:
        return self.target.do(operation, *params)

    def observe(self) -> dict[str, list[Value | None]]:
        ranges = {variable.symbol.name: variable.symbol.range for variable in SYSTEM.variables}
        return {
            name: [None if each is None else readable(ranges[name], int(each)) for each in values]
            for name, values in self.target.observe().items()
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors and walks on one machine, without those that need a search."""
    folder = tmp_path_factory.mktemp("vectors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memhp.checks.fuzz.topologies.SHAPES", {NAME: SHAPES[NAME]})
        patch.setattr(export, "_EPISODES", 2)
        patch.setattr(export, "_vectors", drawn_alone)
        assert main(["export", "vectors", str(folder), "--walks", "1"]) == 0
    return folder


def drawn_alone(system: Any, machines: Any, seed: int) -> Vectors:
    vectors = Vectors(system)
    vectors.draw(machines, seed=seed, episodes=2, length=60)
    return vectors


def test_the_engine_passes_them_through_a_reader_without_memhp(folder: Path) -> None:
    assert list(reader.check(folder, Engine())) == []


def test_a_wrong_answer_and_a_wrong_state_are_told(folder: Path) -> None:
    class Wrong(Engine):
        def do(self, operation: str, *params: Any) -> int | None:
            answer = super().do(operation, *params)
            return 5 if operation == "drain" and answer is None else answer

        def observe(self) -> dict[str, list[Value | None]]:
            seen = super().observe()
            return {**seen, "draining": [not each for each in seen["draining"]]}

    told = list(reader.check(folder, Wrong()))
    assert any("drain" in line and "EIO came" in line for line in told)
    assert any("draining[0] is" in line for line in told)


def test_the_reader_imports_nothing_of_memhp_and_is_short() -> None:
    text = Path(reader.__file__).read_text()
    names = [
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    names += [
        node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    ]
    assert not [name for name in names if name.startswith("memhp") or name == ""]
    assert len(text.splitlines()) <= 75


def test_a_guard_that_refuses_is_named_and_what_changes_is_told(folder: Path) -> None:
    lines = (folder / "operations.jsonl").read_text().splitlines()
    vectors = [json.loads(line) for line in lines]
    guards = {f"{action.name}.{guard.name}" for action in SYSTEM.actions for guard in action.guards}
    refused = [each for each in vectors if "refused_by" in each]
    assert refused
    assert {each["refused_by"] for each in refused} <= guards
    assert all(each["answer"] is not None for each in refused)
    changed = [each for each in vectors if each["after"]]
    assert all(
        each["before"][name] != now for each in changed for name, now in each["after"].items()
    )


def test_a_step_and_a_refusal_that_walks_do_not_show_are_looked_for() -> None:
    vectors = Vectors(SYSTEM)
    topology = built_for(NAME, SYSTEM)
    vectors.draw({NAME: topology}, seed=1, episodes=1, length=1)
    names = {claim.name for claim in vectors.wanting()}
    assert {"begin_offline", "begin_offline.block_online"} <= names
    vectors.show(NAME, topology, (), ("begin_offline", (0,)))
    (kept,) = vectors.kept[-1:]
    assert kept.operation == ("begin_offline", (0,))
    assert "begin_offline" in vectors.taken or kept.refusal is not None


@pytest.mark.slow
def test_every_action_is_taken_and_nearly_every_guard_refuses(tmp_path: Path) -> None:
    assert main(["export", "vectors", str(tmp_path), "--walks", "1"]) == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["actions_never_taken"] == []
    assert len(manifest["guards_never_refusing"]) < 10
    assert list(reader.check(tmp_path, Engine())) == []
