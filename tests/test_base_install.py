"""What a small installation can do: without solvers, arrays, graphs and test tools."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memhp.cli.main import main

DATA = Path(__file__).parent / "data"
WITHOUT = ("cramjam", "cvc5", "hypothesis", "jinja2", "lzallright", "matplotlib", "networkx",
           "numpy", "z3")  # fmt: skip
BASE = f"""
import sys
class Without:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {WITHOUT!r}:
            raise ModuleNotFoundError(name, name=name.partition(".")[0])
sys.meta_path.insert(0, Without())
from memhp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace, and a kernel's configuration that lacks something."""
    made = tmp_path_factory.mktemp("inputs")
    assert main(["check", "--variant", "lock-left-held", "--trace", str(made / "trace.json")]) == 1
    (made / "config").write_text("# Linux/x86 6.12.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    return made


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BASE, *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["--help"], 0, "documents (docs), examples"),
        (["explain", "N2"], 0, "row N2"),
        (["variants"], 0, "pgdat-goes-early"),
        (["schema", "inspect"], 0, "memhp-inspect/2"),
        (["replay", "{0}/trace.json"], 1, "violated"),
        (["inspect", str(DATA / "busy.tar.gz"), "--reboot", "90..120"], 0, "a reboot takes"),
        (["inspect"], 0, "invariants"),
        (["why", "32", "--machine", str(DATA / "gigantic.tar.gz")], 0, "block 32"),
        (["kconfig", "{0}/config"], 3, "z3, which finds it, is not installed"),
        (["step", "--input", "/dev/null"], 0, ""),
        (["lab", "list"], 0, "x86_64-6.12"),
    ],
)
def test_what_an_operator_asks_needs_no_solver(
    argv: list[str], code: int, says: str, folder: Path
) -> None:
    done = run(*(word.format(folder) for word in argv))
    assert (done.returncode, done.stderr) == (code, "")
    assert says in done.stdout


def test_answers_are_those_of_a_whole_installation(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["inspect", str(DATA / "arm64-nodes.tar.gz"), "--json"]
    assert main(argv) == 0
    assert json.loads(run(*argv).stdout) == json.loads(capsys.readouterr().out)


def test_what_is_missing_is_one_line() -> None:
    done = run("sections", "--size", "4GiB")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "memhp: this needs z3: pip install memhp brings it\n"
