"""``python -O`` and ``-OO`` change nothing: no check that matters is an assert or a docstring."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import memhp

ROOT = Path(memhp.__file__).parent
NARROWING = {
    "assert before",
    "assert case.small",
    "assert claim.ending",
    "assert ending",
    "assert ends.ending",
    "assert witness.loop is not None",
    "assert frame is not None",
    "assert isinstance(self._new, Action)",
    "assert pipe.stdout is not None",
    "assert process.stdout",
    "assert self._process is not None",
    "assert self.claim.ending",
    "assert self.ending",
    "assert self.proof",
    "assert isinstance(counter, App)",
    "assert isinstance(equation, Op)",
    "assert obligation.claim",
    "assert page is not None",
    "assert reading.block_size is not None",
    "assert reading.page_size is not None",
    "assert self.small",
    "assert self.trace",
    "assert sort.members is not None",
    "assert symbol.initial is not None",
    "assert symbol.range.members",
}
"""What only the type checker is told: it holds whatever the input is."""

_COMMANDS = """
import hashlib, sys
from memhp.cli.main import main
from memhp.spec.system import SYSTEM
print(hashlib.sha256(repr(SYSTEM).encode()).hexdigest(), SYSTEM.sort_docs)
for argv in (
    ["explain", "begin_offline"],
    ["explain", "N2"],
    ["variants", "--json"],
    ["check", "--variant", "lock-left-held"],
    ["check", "--only", "nothing_like_it"],
    ["inspect", sys.argv[1]],
    ["sections", "--size", "4GiB"],
    ["lab", "list"],
):
    print(argv, main(argv))
"""


@pytest.mark.parametrize("package", ["spec", "reference", "engine", "checks", "machines", "cli"])
def test_asserts_only_narrow_types(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assert):
                assert ast.unparse(node) in NARROWING, f"{path}:{node.lineno}"


@pytest.fixture(scope="module")
def plain() -> str:
    return shown()


def shown(*options: str) -> str:
    """What the commands print and return under the options."""
    record = ROOT / "tests/data/arm64-nodes.tar.gz"
    command = [sys.executable, *options, "-c", _COMMANDS, record]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("option", [pytest.param("-O", marks=pytest.mark.slow), "-OO"])
def test_commands_say_the_same_when_python_optimizes(option: str, plain: str) -> None:
    assert shown(option) == plain
    assert "['check', '--variant', 'lock-left-held'] 1" in plain
