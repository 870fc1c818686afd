"""What the specification says of itself: enough is said, everything has words, all rows covered."""

from __future__ import annotations

import sys

import pytest

from memhp.spec.language import Map, Profile, Variant, apply
from memhp.spec.profiles import DEFAULT, PROFILES
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

KNOWN = set("U1 U2 U3 U4 U5 U6 M1 M2 A1 N1 N2 N3 N4 R1 R2 R3 R4 R5 K1 D1 D2".split())  # noqa: SIM905 - a row of names


def test_the_specification_has_the_size_of_its_subject() -> None:
    assert len(SYSTEM.actions) >= 25
    assert len(SYSTEM.properties) >= 40


@pytest.mark.parametrize("row", sorted({*SYSTEM.rows} - {"U2"}))
def test_every_row_has_a_property_and_a_variant(row: str) -> None:
    assert [p.name for p in SYSTEM.of_kind("always", "step") if row in p.covers]
    assert [p.name for p in SYSTEM.of_kind("sometimes") if row in p.covers]
    assert [variant.name for variant in VARIANTS if row in variant.covers]


def test_only_known_rows_are_covered() -> None:
    named = {row for each in (*SYSTEM.properties, *VARIANTS) for row in each.covers}
    assert named <= KNOWN


def test_everything_is_said_in_words() -> None:
    assert not [sort.name for sort in SYSTEM.sorts if not SYSTEM.sort_docs[sort.name]]
    documented = (*SYSTEM.variables, *SYSTEM.actions, *SYSTEM.properties, *SYSTEM.axioms)
    assert not [each for each in documented if not each.doc]
    assert not [definition.name for definition in SYSTEM.definitions.values() if not definition.doc]


def test_every_topology_symbol_is_said_in_words() -> None:
    modules = [module for name, module in sys.modules.items() if name.startswith("memhp.spec.")]
    docs = {n: v.doc for m in modules for n, v in vars(m).items() if isinstance(v, Map)}
    assert not [symbol.name for symbol in SYSTEM.topology if not docs[symbol.name]]


def test_every_guard_a_user_meets_has_an_errno_or_is_internal() -> None:
    asked = ("begin_online", "begin_offline", "delete_block_device", "insert_device")
    silent = {
        (name, guard.name)
        for name in asked
        for guard in SYSTEM.action_by_name[name].guards
        if guard.errno is None
    }
    assert silent == {
        *((name, "hotplug_lock") for name in asked[:2]),
        *((name, "device_hotplug_lock") for name in asked[:3]),
        ("delete_block_device", "file_idle"),
    }


@pytest.mark.parametrize("change", [*VARIANTS, *PROFILES], ids=lambda change: change.name)
def test_variants_and_profiles_fit(change: Variant | Profile) -> None:
    changed = apply(SYSTEM, change)
    assert (changed.actions, changed.definitions) != (
        SYSTEM.actions,
        SYSTEM.definitions,
    ) or not change.edits
    assert change.doc
    assert change.edits or change.name == DEFAULT


def test_names_are_unique() -> None:
    names = [each.name for each in (*VARIANTS, *PROFILES)]
    assert len(set(names)) == len(names)
    assert DEFAULT in names
