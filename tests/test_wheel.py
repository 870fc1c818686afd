"""A wheel has all that its texts name, and runs from a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(
    r"\b(?:docs/[\w-]+\.md|tests/data/[a-z0-9-]+\.tar\.gz|examples/[\w/]+\.py"
    r"|tests/checks/fuzz/toy_target\.py|cli/schema/[\w-]+\.json)"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel alone was installed."""
    made = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", made, ROOT], check=True)
    (wheel,) = made.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", made / "it", wheel], check=True)
    return made / "it"


def run(installed: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """What the installed command does, somewhere else."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", "memhp", *argv],
        cwd=installed, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_texts_name_is_in_the_wheel(installed: Path) -> None:
    folder = installed / "memhp"
    texts = [*folder.glob("*.md"), *folder.glob("docs/*.md"), *folder.rglob("*.py")]
    names = {name for path in texts for name in NAMED.findall(path.read_text())}
    assert len(names) > 10
    assert sorted(name for name in names if not (folder / name).exists()) == []


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--version"], 0),
        (["explain", "undetermined"], 0),
        (["schema", "plan"], 0),
        (["man"], 0),
        (["completion", "bash"], 0),
        (["inspect", "memhp/tests/data/gigantic.tar.gz"], 0),
        (["why", "32", "--machine", "memhp/tests/data/gigantic.tar.gz"], 0),
        (["check", "--scope", "block=1", "--depth", "1", "-q", "--only", "N2"], 3),
        (["check", "--system", "memhp/examples/lock_service.py"], 3),
        (["explore", "--scope", "block=1", "--depth", "2", "-q"], 0),
        (["lab", "list"], 0),
    ],
)
def test_commands_run_from_the_wheel_alone(argv: list[str], code: int, installed: Path) -> None:
    done = run(installed, *argv)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert str(ROOT) not in run(installed, "--help").stdout
