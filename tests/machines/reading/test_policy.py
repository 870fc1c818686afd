"""How added memory goes online, what s390 has not configured, and where the log says CMA lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading.cma import areas_in_log
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.policy import OnlinePolicy
from memhp.machines.reading.sysfs import read_machine

from ..conftest import MEMORY, Files, block_files

Build = Callable[..., Path]
PARAMETERS = "sys/module/memory_hotplug/parameters"
CONFIG = "sys/firmware/memory"


def machine(**more: str) -> Files:
    return {f"{MEMORY}/block_size_bytes": "8000000\n", **block_files(0), **more}


def test_the_policy_is_read_where_it_is_told(directory: Build) -> None:
    files = machine()
    files |= {
        f"{MEMORY}/auto_online_blocks": "online_movable\n",
        f"{PARAMETERS}/online_policy": "auto-movable\n",
        f"{PARAMETERS}/auto_movable_ratio": "301\n",
        "proc/cmdline": "BOOT_IMAGE=/vmlinuz movable_node quiet\n",
    }
    policy = read_machine(directory(files)).policy
    assert policy == OnlinePolicy("online_movable", "auto-movable", 301, True)


def test_a_machine_that_says_nothing_has_no_policy(tar_file: Build) -> None:
    assert read_machine(tar_file(machine())).policy == OnlinePolicy()


@pytest.mark.parametrize("path", [f"{MEMORY}/auto_online_blocks", f"{PARAMETERS}/online_policy"])
def test_a_word_that_the_kernel_does_not_write_is_refused(path: str, directory: Build) -> None:
    with pytest.raises(MachineError, match="expected one of"):
        read_machine(directory(machine(**{path: "sometimes\n"})))


def test_blocks_that_are_not_configured_are_told(directory: Build, tar_file: Build) -> None:
    config = {f"{CONFIG}/memory{number}/config": "0\n" for number in (0, 17, 9)}
    config[f"{CONFIG}/memory3/config"] = "1\n"
    for root in (directory(machine(**config)), tar_file(machine(**config))):
        assert read_machine(root).unconfigured == (9, 17)


def test_a_configuration_that_is_no_answer_is_refused(directory: Build) -> None:
    with pytest.raises(MachineError, match="expected 0 or 1, found 7"):
        read_machine(directory(machine(**{f"{CONFIG}/memory3/config": "7\n"})))


NEW = "[    0.0] cma: Reserved 64 MiB at 0x00000000f4000000 on node -1\n"
OLD = "cma: Reserved 64 MiB at 0x00000000f4000000\n"
TREE = "Reserved memory: created CMA memory pool at 0x00000000f4000000, size 64 MiB\n"


@pytest.mark.parametrize("text", [NEW, OLD, TREE, NEW + TREE])
def test_the_log_names_areas(text: str) -> None:
    assert areas_in_log(text, 4096) == (range(0xF4000, 0xF8000),)
    assert areas_in_log(text, None) == ()


def test_two_areas_and_other_lines(directory: Build) -> None:
    text = NEW + "cma: Failed to reserve 16 MiB\n" + OLD.replace("f4", "e0")
    assert [area.start for area in areas_in_log(text, 4096)] == [0xE0000, 0xF4000]


@pytest.mark.parametrize(("kib", "told"), [(65536, True), (131072, False)])
def test_the_logs_areas_count_only_if_they_are_all(kib: int, told: bool, directory: Build) -> None:
    files = machine(**{"proc/meminfo": f"MemTotal: 4000000 kB\nCmaTotal: {kib} kB\n"})
    files |= {"proc/cpuinfo": "flags : lm\n", "var/log/dmesg": NEW}
    reading = read_machine(directory(files))
    assert reading.cma is True
    assert (reading.cma_areas == (range(0xF4000, 0xF8000),)) is told


def test_a_log_at_hand_counts_instead_of_the_dumps(directory: Build) -> None:
    files = machine(**{"proc/meminfo": "MemTotal: 4000000 kB\nCmaTotal: 65536 kB\n"})
    root = directory({**files, "proc/cpuinfo": "flags : lm\n"})
    assert read_machine(root).cma_areas is None
    assert read_machine(root, log=OLD).cma_areas == (range(0xF4000, 0xF8000),)
