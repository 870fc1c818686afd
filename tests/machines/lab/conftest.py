"""Guests for the tests: a kernel from the lab's own cache, or a skip that says what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from memhp.machines.lab import MIB, STOCK, Guest, Kernel, LabError, Layout, Node, load
from memhp.machines.lab.initramfs import build
from memhp.machines.lab.kernels import tool
from memhp.machines.lab.platforms import platform_of

FIRST_CHOICE = ("x86_64-6.12", "x86_64-6.1")


@pytest.fixture(scope="session")
def lab_cache() -> Iterator[Path]:
    """The user's cache: the other tests have an empty one, and kernels are large."""
    folder = Path(os.environ.get("MEMHP_LAB_CACHE") or Path.home() / ".cache/memhp/lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMHP_LAB_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def kernel(lab_cache: Path) -> Kernel:
    """A kernel that is here, with everything that booting it needs."""
    names = dict.fromkeys([*FIRST_CHOICE, *STOCK])
    for found in filter(None, map(load, names)):
        if found.arch != os.uname().machine:
            continue
        try:
            platform = platform_of(found.arch)
            tool(platform.qemu, platform.package)
            build(found)
        except LabError as error:
            pytest.skip(str(error))
        return found
    pytest.skip("no kernel is here: memhp lab fetch")


@pytest.fixture(scope="module")
def guest(kernel: Kernel) -> Iterator[Guest]:
    """A guest with a node of memory alone, and one that DIMMs may come to."""
    layout = Layout(
        nodes=(Node(512 * MIB, 1), Node(256 * MIB), Node()),
        distances=((0, 1, 30), (1, 0, 30)),
        slots=2,
        options=("memhp_default_state=offline",),
    )
    with Guest.boot(kernel, layout) as booted:
        yield booted
