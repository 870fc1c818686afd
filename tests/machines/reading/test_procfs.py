"""The text files of procfs, as real kernels write them."""

from __future__ import annotations

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.procfs import (
    Range,
    ZoneReading,
    meminfo,
    reclaimable,
    system_ram,
    zones,
)

IOMEM = """\
00000000-00000fff : Reserved
00001000-0009fbff : System RAM
00100000-bfffffff : System RAM
  01000000-02209987 : Kernel code
c0001000-eebfffff : PCI Bus 0000:00
100000000-63fffffff : System RAM
640000000-73fffffff : virtio3
  640000000-64fffffff : System RAM (virtio_mem)
740000000-77fffffff : Persistent Memory
  740000000-77fffffff : dax0.0
    748000000-77fffffff : System RAM (kmem)
"""

ZONEINFO = """\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 1533
  pages free     3840
        boost    0
        min      68
        low      85
        high     102
        spanned  4095
        present  3998
        managed  3840
        protection: (0, 3019, 3531, 3531, 3531)
      nr_free_pages 3840
  pagesets
    cpu: 0
              count:    7
  start_pfn:           1
Node 0, zone  Movable
  pages free     0
        spanned  0
        present  0
        managed  0
"""


def test_system_ram_is_found_at_every_depth_and_not_split_by_what_it_holds() -> None:
    assert system_ram(IOMEM) == (
        Range(0x1000, 0x9FC00),
        Range(0x100000, 0xC0000000),
        Range(0x100000000, 0x640000000),
        Range(0x640000000, 0x650000000),
        Range(0x748000000, 0x780000000),
    )


def test_zones_are_read_and_an_empty_zone_has_no_start() -> None:
    assert zones(ZONEINFO) == (
        ZoneReading(
            0,
            "DMA",
            free=3840,
            spanned=4095,
            present=3998,
            managed=3840,
            start_pfn=1,
            listed=7,
            low=85,
            protection=3531,
        ),
        ZoneReading(0, "Movable", free=0, spanned=0, present=0, managed=0, start_pfn=None),
    )


def test_what_can_be_taken_back_is_told_only_where_all_of_it_is() -> None:
    text = "Active(file): 4 kB\nInactive(file): 2 kB\nSReclaimable: 1 kB\nSwapFree: 8 kB\n"
    assert reclaimable(meminfo(text, "meminfo")) == 15 * 1024
    assert reclaimable(meminfo(text.replace("SwapFree", "Swapped"), "meminfo")) is None
    assert reclaimable(None) is None


@pytest.mark.parametrize("name", ["a" * 5000, "\x1b[31m", "a\x07"])
def test_a_name_that_a_message_shows_is_short_and_quoted(name: str) -> None:
    with pytest.raises(MachineError) as caught:
        meminfo(f"{name}: much kB\n", "meminfo")
    with pytest.raises(MachineError) as other:
        zones(f"Node 0, zone {name}\n  pages free x\n")
    for message in (str(caught.value), str(other.value)):
        assert len(message) < 200
        assert message.isprintable()
