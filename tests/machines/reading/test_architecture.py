"""Which architecture a machine is of: by its own word, by what only one has, or not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from memhp.machines.judging.offline import design_of, judge
from memhp.machines.reading.architecture import architecture_of
from memhp.machines.reading.cpuinfo import FAMILIES, family_in
from memhp.machines.reading.procfs import Range, ZoneReading
from memhp.machines.reading.sysfs import BlockReading, MachineReading, read_machine

DUMPS = Path(__file__).resolve().parents[4] / "shared" / "data"
MIB = 1 << 20
CPUINFO = {
    "x86_64": "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme lm constant_tsc\n",
    "s390x": "vendor_id       : IBM/S390\n# processors    : 4\n",
    "ppc64": "processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\n",
    "arm64": "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\n",
    "riscv64": "processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\n",
    "ia64": "processor  : 0\nvendor     : GenuineIntel\narch       : IA-64\n",
}


def reading(
    cpuinfo: str | None = None,
    *,
    block: int = 128 * MIB,
    page: int | None = None,
    phys_device: int = 0,
) -> MachineReading:
    """One movable block that is whole."""
    blocks = (
        BlockReading(1, "online", valid_zones=("Movable",), nodes=(0,), phys_device=phys_device),
    )
    iomem = (Range(0, 4 * block),)
    zones = (ZoneReading(0, "Movable", 0, 9, 9, 9, 0, cma=0),)
    return MachineReading(
        "made up", False, page, block, False, blocks, (), iomem, zones, None, (), cpuinfo
    )


def test_every_family_has_a_line_of_its_own() -> None:
    assert set(CPUINFO) == set(FAMILIES)
    for family, text in CPUINFO.items():
        assert family_in(text) == family
    assert family_in("processor\t: 0\nmodel name\t: something\n") is None
    assert family_in("flags\t\t: fpu vme\n") is None  # 32 bits


@pytest.mark.parametrize("family", FAMILIES)
def test_cpuinfo_decides(family: str) -> None:
    found = architecture_of(reading(CPUINFO[family]))
    assert found.families == (family,)
    assert "cpuinfo" in found.why


def test_the_page_size_and_the_block_size_leave_fewer() -> None:
    arm = reading(CPUINFO["arm64"], block=512 * MIB, page=65536)
    assert architecture_of(arm).names == ("arm64-64k",)
    assert architecture_of(reading(CPUINFO["arm64"])).names == ("arm64-4k", "arm64-16k")
    small = architecture_of(reading(block=16 * MIB))
    assert small.families == ("ppc64",)
    assert "cannot be told" in small.why


def test_storage_increments_are_an_s390x_machines() -> None:
    found = architecture_of(reading(block=256 * MIB, phys_device=736))
    assert (found.names, found.page_size) == (("s390x",), 4096)


def test_the_user_knows_better() -> None:
    found = architecture_of(reading(CPUINFO["x86_64"]), "arm64-16k")
    assert (found.names, found.page_size) == (("arm64-16k",), 16384)
    assert architecture_of(reading(CPUINFO["x86_64"]), "arm64").families == ("arm64",)


def test_what_several_may_be_has_no_rule_of_one() -> None:
    found = architecture_of(reading())
    assert {"x86_64", "arm64"} <= set(found.families)
    assert (found.page_size, found.boot_memory_stays) == (None, None)


def test_boot_memory_of_arm64_may_never_go() -> None:
    arm = reading(CPUINFO["arm64"])
    assert architecture_of(arm).boot_memory_stays
    (plain,) = judge(arm, design_of(arm))
    (kept,) = judge(arm, design_of(arm), boot_memory_stays=True)
    assert (plain.verdict, kept.verdict) == ("yes", "cannot tell")
    assert kept.missing == ("vetoed",)
    assert "boot memory" in kept.why
    assert not architecture_of(reading(CPUINFO["x86_64"])).boot_memory_stays


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("util-linux-s390-zvm-6g.tar.bz2", ("s390x",)),
        ("hwloc-40intel64-2g2n4c.tar.bz2", ("x86_64",)),
        ("pcp-meminfo-root-002.tar.gz", ("x86_64",)),
        ("util-linux-x86_64-16g.tar.bz2", ("x86_64", "arm64", "ppc64", "riscv64")),
    ],
)
def test_real_dumps(name: str, families: tuple[str, ...]) -> None:
    if not (DUMPS / name).exists():
        pytest.skip("the dumps of real machines are not here")
    assert architecture_of(read_machine(DUMPS / name)).families == families
