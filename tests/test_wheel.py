"""A wheel has all that its texts name, and runs from a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .cli.test_readme import commands

ROOT = Path(__file__).parents[1]
NAMED = re.compile(
    r"\b(?:docs/[\w-]+\.md|tests/data/[a-z0-9-]+\.tar\.gz|examples/[\w/]+\.py"
    r"|tests/checks/fuzz/toy_target\.py|cli/schema/[\w-]+\.json)"
)

DATA = "tests/data"
GUESTS = ("lab", "apply")
"""Commands that boot guests, or write to a machine."""
LOCK = "the_lock_is_held_while_a_block_changes"

# What README and a newcomer type, as far as it takes seconds, and the exit code.
TYPED: list[tuple[str, int]] = [
    ("--version", 0),
    ("help inspect", 0),
    ("inspct", 2),
    ("check --only N2", 0),
    ("check --only n2 --json", 0),
    ("check --only U9", 2),
    ("check --only {lock} --export obligations", 0),
    ("check --only {lock} --proofs proofs", 0),
    ("check --verify-proofs proofs --only {lock}", 0),
    ("check --scope node=1,block=1 --depth 1 --only {lock}", 0),
    ("check --variant pgdat-goes-early --trace trace.json --html run.html", 1),
    ("check --variant pgdat-goes-early --json", 1),
    ("check --system {here}/examples/lock_service.py", 3),
    ("check --mutants --only allocate_pgdat --kind guard", 0),
    ("replay trace.json", 1),
    ("replay trace.json --json --html replay.html", 1),
    ("variants --row N2", 0),
    ("variants --json", 0),
    ("explain", 0),
    ("explain U6", 0),
    ("explain R1", 0),
    ("explain offline_pages", 0),
    ("explain EBUSY --json", 0),
    ("explain undetermined", 0),
    ("schema", 0),
    ("schema plan", 0),
    ("man", 0),
    ("completion bash", 0),
    ("completion zsh", 0),
    ("completion fish", 0),
    ("explore --scope block=1 --depth 2", 0),
    ("explore --scope block=1 --depth 2 --dot states.dot", 0),
    ("explore --scope block=1 --depth 2 --shard 1/1 --promela model.pml --count", 0),
    ("step --help", 0),
    ("design new mine", 0),
    ("explain begin_offline --design mine.py", 0),
    ("fuzz --list", 0),
    ("fuzz --walk --steps 300 --jobs 1", 0),
    ("fuzz --walk --steps 300 --jobs 1 --keep kept.json --shard 2/3", 0),
    ("fuzz --target toy_target:ToyAllocator --steps 300 --walk --jobs 1", 0),
    ("book book --no-runs", 0),
    ("export vectors vectors --walks 1", 0),
    ("export requirements --drift nowhere", 2),
    ("coverage --help", 0),
    ("inspect {data}/gigantic.tar.gz", 0),
    ("inspect {data}/gigantic.tar.gz --json", 0),
    ("inspect {data}/gigantic.tar.gz --html machine.html", 0),
    ("inspect {data}/gigantic.tar.gz --need yes", 1),
    ("inspect {data}/busy.tar.gz --reboot 90..120 -v", 0),
    ("why 32 --machine {data}/gigantic.tar.gz", 0),
    ("plan --blocks 34-39 --machine {data}/dimms.tar.gz --html plan.html --out plan.json", 0),
    ("plan 3GiB --machine {data}/dimms.tar.gz", 1),
    ("plan --add 1GiB --machine {data}/dimms.tar.gz", 0),
    ("sections --size 4GiB", 0),
    ("sections --size 1PiB --holes 1000 --hole-size 64MiB --arch ia64-16k --plot costs.png", 0),
    ("kconfig config", 1),
    ("lab list", 0),
    ("lab conform --show", 0),
    ("lab conform --show --ktap", 0),
    ("lab conform --show --html kernels.html", 0),
]

BUILT = ("build", "*.egg-info")
"""What builds leave in a source."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built in a copy: a build writes beside its source, where another worker builds."""
    made = tmp_path_factory.mktemp("wheel")
    source = made / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__", *BUILT))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", made, source], check=True)
    (wheel,) = made.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment into which the wheel alone was installed."""
    return environment(sys.executable, wheel, tmp_path_factory.mktemp("venv"))


def environment(python: str, wheel: Path, folder: Path) -> Path:
    subprocess.run([python, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", wheel], check=True)
    return folder


@pytest.fixture(scope="module")
def installed(venv: Path) -> Path:
    """The package in the environment."""
    (folder,) = venv.glob("lib/python*/site-packages/memhp")
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "config").write_text("# Linux/x86 6.12.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    return folder


def run(venv: Path, work: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """What the installed command does; the libraries that it needs are those of this environment.

    Where they are, memhp itself is installed by a hook that only a whole environment has.
    """
    library = Path(pytest.__file__).parents[1]
    variables = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        [venv / "bin/memhp", *argv],
        cwd=work, env={**variables, "PYTHONPATH": str(library)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_what_texts_name_is_in_the_wheel(installed: Path) -> None:
    folder = installed
    texts = [*folder.glob("*.md"), *folder.glob("docs/*.md"), *folder.rglob("*.py")]
    names = {name for path in texts for name in NAMED.findall(path.read_text())}
    assert len(names) > 10
    assert sorted(name for name in names if not (folder / name).exists()) == []


def test_shells_and_man_find_their_files(venv: Path, work: Path) -> None:
    for name, words in (
        ("man/man1/memhp.1", "man"),
        ("bash-completion/completions/memhp", "completion bash"),
        ("zsh/site-functions/_memhp", "completion zsh"),
        ("fish/vendor_completions.d/memhp.fish", "completion fish"),
    ):
        assert (venv / "share" / name).read_text() == run(venv, work, *words.split()).stdout


def test_commands_run_from_the_wheel_alone(venv: Path, work: Path, installed: Path) -> None:
    """One after another: some read what others wrote."""
    (work / "toy_target.py").write_bytes(
        (installed / "tests/checks/fuzz/toy_target.py").read_bytes()
    )
    wrong: dict[str, tuple[int, str]] = {}
    places = {"data": str(installed / DATA), "here": str(installed), "lock": LOCK}
    for typed, code in TYPED:
        done = run(venv, work, *typed.format(**places).split())
        if done.returncode != code or "Traceback" in done.stderr:
            wrong[typed] = (done.returncode, done.stderr)
    assert wrong == {}
    assert str(ROOT) not in run(venv, work, "--help").stdout


def test_every_command_that_readme_names_is_typed() -> None:
    named = {words.split()[0] for words in commands((ROOT / "README.md").read_text())}
    assert named - {typed.split()[0] for typed, _ in TYPED} - {*GUESTS} == set()


@pytest.mark.parametrize("minor", [12, 13, 14])
def test_the_base_runs_on_other_pythons(
    minor: int, wheel: Path, work: Path, installed: Path, tmp_path: Path
) -> None:
    python = shutil.which(f"python3.{minor}")
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode:
        pytest.skip(f"there is no python3.{minor}")
    folder = environment(python, wheel, tmp_path / "venv")
    pip = [folder / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = [each for each in project["dependencies"] if each.startswith(("rich=", "qemu.qmp="))]
    subprocess.run([*pip, "install", *base], check=True)
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    for words in (["inspect", installed / DATA / "gigantic.tar.gz"], ["explain", "begin_offline"]):
        command = [folder / "bin/memhp", *words]
        done = subprocess.run(command, env=variables, cwd=work, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
