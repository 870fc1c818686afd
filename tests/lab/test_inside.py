"""memhp runs inside a real kernel, with the Python and the packages that it has here."""

from __future__ import annotations

import json
import marshal
from pathlib import Path, PurePosixPath

import pytest

import memhp
from memhp.lab.guest import python
from memhp.lab.guest.guest import Guest
from memhp.lab.guest.initramfs import archive_of
from memhp.lab.guest.inside import Ran
from memhp.lab.guest.inside import memhp as run_memhp
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import LabError


@pytest.mark.kernel
def test_memhp_says_in_a_guest_what_it_sees_there(kernel: Kernel) -> None:
    machine = GuestMachine(nodes=(Node(1024 * MIB, 1),), memhp=True)
    with Guest.boot(kernel, machine, command_limit=600) as guest:
        guest.write("/sys/kernel/mm/transparent_hugepage/enabled", "never")
        assert guest.hold("pinned", 2 * MIB)[0] == 0
        asked = run_memhp(guest, "why", "0-7", "--json")
        assert asked.code == 0, asked.err
        wrong = run_memhp(guest, "inspect", "/no such place")
    blocks = json.loads(asked.out)["blocks"]
    assert sum(block["kinds"].get("pinned", 0) for block in blocks) == 2 * MIB >> 12
    assert wrong == Ran(2, "", "memhp inspect: /no such place: no such file or directory\n")


def test_what_a_package_needs_comes_with_it() -> None:
    names = [each.name.lower() for each in python._with_needs(["rich"])]
    assert names == ["markdown-it-py", "mdurl", "pygments", "rich"]


def test_a_package_that_is_not_here_is_named() -> None:
    with pytest.raises(LabError, match="no-such-package is not installed here"):
        python._with_needs(["No_Such.Package>=3"])


def test_what_is_needed_on_a_condition_may_be_absent() -> None:
    assert python._with_needs(['no-such-package; python_version < "3"']) == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("numpy/__init__.py", True),
        ("numpy.libs/libgfortran.so.5.0.0", True),
        ("memhp/cli/schema/inspect.json", True),
        ("numpy/_core/tests/test_x.py", False),
        ("../../bin/f2py", False),
        ("rich/__pycache__/a.cpython-311.pyc", False),
        (".venv/lib/x.py", False),
        ("README.md", False),
    ],
)
def test_what_nothing_there_needs_is_left_out(path: str, wanted: bool) -> None:
    assert python._is_wanted(PurePosixPath(path)) == wanted


def test_memhp_comes_whole_and_compiled() -> None:
    entries = python._memhp()
    root = Path(memhp.__file__).parent
    for name in ("__main__.py", "lab/guest/agent/main.c", "cli/schema/inspect.json"):
        assert entries[f"python/site/memhp/{name}"].content == (root / name).read_bytes()
    (main,) = [each for name, each in entries.items() if "memhp/__pycache__/__main__" in name]
    assert main.content[4] == 1  # not looked at again (PEP 552)
    assert marshal.loads(main.content[16:]).co_filename == "/python/site/memhp/__main__.py"


def test_a_guest_of_another_architecture_has_no_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("memhp.lab.guest.initramfs.build", lambda *given: tmp_path / "own")
    foreign = Kernel("other", "s390x", tmp_path)
    with (
        pytest.raises(LabError, match="runs in no guest of s390x"),
        archive_of(foreign, GuestMachine(memhp=True)),
    ):
        pass
