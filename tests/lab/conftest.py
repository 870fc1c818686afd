"""Guests for the tests: a kernel from the lab's own cache, or a skip that says what is missing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memhp.lab.conform.scenarios import SCENARIOS
from memhp.lab.guest.guest import Guest
from memhp.lab.guest.initramfs import build
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.guest.platforms import platform_of
from memhp.lab.kernels.kernel import STOCK, Kernel, load
from memhp.lab.tools.errors import LabError
from memhp.lab.tools.programs import tool

FIRST_CHOICE = ("x86_64-6.12", "x86_64-6.1")
FEW_SCENARIOS = ("linux_moves_to_another_node", "a_node_goes_with_its_last_block")
"""What one kernel plays without `--kernels all`."""


LONG = 600.0
"""Seconds to wait for what comes at once, on a machine that has much else to do."""


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds, now or in the end."""
    deadline = time.monotonic() + LONG
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def lab_cache() -> Iterator[Path]:
    """The user's cache: the other tests have an empty one, and kernels are large."""
    folder = Path(os.environ["MEMHP_TESTS_LAB_CACHE"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMHP_LAB_CACHE", str(folder))
        yield folder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for each kernel with `--kernels all`; otherwise with the first that is here.

    So with each scenario that the kernel can show; otherwise with few.
    """
    everything = metafunc.config.getoption("--kernels") == "all"
    own = [name for name in STOCK if STOCK[name].arch == os.uname().machine]
    others = [name for name in STOCK if name not in own]
    pseries = [name for name in others if STOCK[name].arch == "ppc64le"]
    for fixture, names, otherwise in (
        ("kernel", own, "first"),
        ("foreign_kernel", others, "none"),
        ("pseries_kernel", pseries, "none"),
    ):
        if fixture in metafunc.fixturenames:
            chosen = names if everything else [otherwise]
            metafunc.parametrize(fixture, chosen, indirect=True, scope="session")
    if "scenario" in metafunc.fixturenames:
        pairs = [
            (name, scenario)
            for name in [*own, *others]
            for scenario in SCENARIOS
            if STOCK[name].arch in scenario.arches
        ]
        few = [("first", each) for each in SCENARIOS if each.name in FEW_SCENARIOS]
        metafunc.parametrize(
            ("any_kernel", "scenario"),
            pairs if everything else few,
            indirect=["any_kernel"],
            ids=lambda given: getattr(given, "name", given),
        )


def usable(name: str) -> Kernel:
    """That kernel, if it is here with everything that booting it needs."""
    found = load(name)
    if found is None:
        pytest.skip(f"{name} is not here: memhp lab fetch {name}")
    try:
        platform = platform_of(found.arch)
        tool(platform.qemu, platform.package)
        build(found)
    except LabError as error:
        pytest.skip(str(error))
    return found


@pytest.fixture(scope="session")
def kernel(lab_cache: Path, request: pytest.FixtureRequest) -> Kernel:
    """A kernel of this machine's architecture."""
    if request.param != "first":
        return usable(request.param)
    for name in dict.fromkeys([*FIRST_CHOICE, *STOCK]):
        if STOCK[name].arch == os.uname().machine and load(name):
            return usable(name)
    pytest.skip("no kernel is here: memhp lab fetch")


@pytest.fixture(scope="session")
def foreign_kernel(lab_cache: Path, request: pytest.FixtureRequest) -> Kernel:
    """A kernel of another architecture."""
    if request.param == "none":
        pytest.skip("other architectures boot only with --kernels all (make test-kernels)")
    return usable(request.param)


any_kernel = kernel
pseries_kernel = foreign_kernel


@pytest.fixture(scope="module")
def guest(kernel: Kernel) -> Iterator[Guest]:
    """A guest with a node of memory alone, and one that DIMMs may come to."""
    machine = GuestMachine(
        nodes=(Node(512 * MIB, 1), Node(256 * MIB), Node()),
        distances=((0, 1, 30), (1, 0, 30)),
        slots=2,
        options=("memhp_default_state=offline",),
    )
    with Guest.boot(kernel, machine) as booted:
        yield booted
