"""The cost of section sizes: published figures, brute force, a map of 1 PiB, bad maps."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from memhp.checks.numbers.section_size import candidates
from memhp.spec.numbers.architectures import GIB, KIB, MIB, architecture


def test_the_tables_are_those_worked_out_by_hand() -> None:
    """ia64: 2**20 entries of 16 bytes; 1024 a root of 16 KiB; 1024 pointers of 8 bytes."""
    (candidate,) = candidates(
        architecture("ia64-16k"), [(0, GIB), (2 * GIB, 3 * GIB)], range(30, 31)
    )
    assert (candidate.present, candidate.flat_table, candidate.memmap_on_holes) == (2, 16 * MIB, 0)
    assert candidate.two_level_table == 8 * KIB + 16 * KIB
    assert candidate.forbidden_by == ()


def test_sections_smaller_than_a_buddy_block_are_forbidden() -> None:
    (candidate,) = candidates(architecture("ia64-64k"), [(0, GIB)], range(30, 31))
    assert candidate.forbidden_by == ("a section holds a largest buddy block",)


def test_counts_agree_with_counting_one_by_one() -> None:
    random, arch = Random(1), architecture("x86_64")
    for _ in range(50):
        edges = sorted(random.sample(range(400), 12))
        ranges = [(a * MIB, b * MIB) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        for candidate in candidates(arch, ranges, range(21, 27)):
            touched = {
                m * MIB // candidate.section for a, b in ranges for m in range(a // MIB, b // MIB)
            }
            assert candidate.present == len(touched)
            waste = len(touched) * candidate.section - sum(b - a for a, b in ranges)
            assert candidate.memmap_on_holes == waste // 64


def test_the_removable_share_is_the_mean_over_every_placement() -> None:
    """Memory of 1, 4 and 4 MiB in sections of 4 MiB; two kernel frames, each in any MiB.

    The first section has a hole, so that it stays whatever lies in it.
    """
    ranges = [(3 * MIB, 12 * MIB)]
    section_of = [0, 1, 1, 1, 1, 2, 2, 2, 2]
    removable = [
        sum(section_of[m] not in {0, section_of[a], section_of[b]} for m in range(9))
        for a, b in product(range(9), repeat=2)
    ]
    (candidate,) = candidates(architecture("x86_64"), ranges, range(22, 23), kernel_frames=2)
    assert candidate.removable == pytest.approx(sum(removable) / 81 / 9)


def test_without_kernel_frames_all_is_removable_and_one_section_keeps_all() -> None:
    arch, ranges = architecture("x86_64"), [(0, 128 * MIB)]
    assert candidates(arch, ranges, range(26, 27))[0].removable == 1
    assert candidates(arch, ranges, range(27, 28), kernel_frames=1)[0].removable == 0


def test_more_kernel_frames_and_larger_sections_leave_less_removable() -> None:
    arch, ranges = architecture("x86_64"), [(0, 64 * GIB)]
    for frames in (1, 10, 1000):
        shares = [
            candidate.removable for candidate in candidates(arch, ranges, kernel_frames=frames)
        ]
        assert shares == sorted(shares, reverse=True)
        more = [
            candidate.removable for candidate in candidates(arch, ranges, kernel_frames=2 * frames)
        ]
        assert all(a <= b for a, b in zip(more, shares, strict=True))


def test_a_pebibyte_with_a_thousand_holes_of_64_mib() -> None:
    step = (1 << 50) // 1000 // GIB * GIB
    ranges = [(i * step, (i + 1) * step - 64 * MIB) for i in range(1000)]
    small, large = candidates(architecture("x86_64-la57"), ranges, range(26, 28))
    assert small.memmap_on_holes == 0
    assert large.memmap_on_holes == 1000 * 64 * MIB // 64


@pytest.mark.parametrize(
    "ranges", [[(1, 1)], [(5, 3)], [(0, 9), (8, 12)], [(0, 1 << 60)], [(-4, 2)]]
)
def test_a_bad_map_is_refused(ranges: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="give ascending"):
        candidates(architecture("x86_64"), ranges)


def test_a_section_that_always_has_a_hole_is_forbidden() -> None:
    ranges = [(0, 256 * MIB), (320 * MIB, 960 * MIB)]
    sizes = candidates(architecture("x86_64"), ranges, range(27, 30))
    assert [candidate.forbidden_by for candidate in sizes] == [
        (),
        (),
        ("some section has no hole",),
    ]


def test_a_section_larger_than_what_is_added_at_once_is_forbidden() -> None:
    sizes = candidates(architecture("x86_64"), [(0, GIB)], range(27, 30), device=384 * MIB)
    rule = "a memory device is whole sections"
    assert [candidate.forbidden_by for candidate in sizes] == [(), (rule,), (rule,)]
