"""What configurations have, the smallest sets of changes, and claims: by z3 and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, product

import pytest

from memhp.checks.numbers import configuration, configuration_claims, configuration_plan
from memhp.checks.numbers.configuration import (
    Kernel,
    kernel,
    missing,
    settle,
    works,
)
from memhp.checks.numbers.configuration_claims import (
    every_capability_is_possible,
    fewest,
    prove_configuration_claim,
    prove_configuration_claims,
)
from memhp.checks.numbers.configuration_plan import impossible, plan
from memhp.checks.support.verdicts import Verdict
from memhp.spec.numbers.kconfig import Capability, rules
from memhp.spec.numbers.kconfig_claims import CLAIMS
from memhp.spec.numbers.kconfig_language import parse

BARE = {"MODULES": 2, "SMP": 2, "PCI": 2, "MEMORY_HOTPLUG": 0, "COMPACTION": 0, "ACPI": 2}
TYPE = "MHP_DEFAULT_ONLINE_TYPE"
CLAIM = {claim.name: claim for claim in CLAIMS}


def test_hot_remove_needs_hot_add_and_its_own_option() -> None:
    answer = plan(kernel("x86", (6, 1), BARE), ["hot-remove"])
    assert answer.changes == {"MEMORY_HOTPLUG": 2, "MEMORY_HOTREMOVE": 2}
    assert answer.follow["MEMORY_ISOLATION"] == 2


def test_a_module_is_enough_and_only_where_there_are_modules() -> None:
    changes = plan(kernel("x86", (6, 1), BARE), ["virtio-mem"]).changes
    assert changes is not None
    assert changes["VIRTIO_MEM"] == 1
    assert plan(kernel("x86", (6, 1), {**BARE, "MODULES": 0}), ["virtio-mem"]).changes == {
        **changes,
        "VIRTIO_MEM": 2,
        "VIRTIO_PCI": 2,
    }


def test_strict_devmem_is_preferred_to_no_dev_mem() -> None:
    file = {**BARE, "DEVMEM": 2, "STRICT_DEVMEM": 0}
    changes = plan(kernel("x86", (6, 1), file), ["virtio-mem"]).changes
    assert changes is not None
    assert (changes.get("STRICT_DEVMEM"), changes.get("DEVMEM")) == (2, None)


def test_a_choice_changes_with_one_line() -> None:
    """The type that was chosen goes by itself, and is told."""
    configuration = kernel("x86", (6, 18), {**BARE, "MEMORY_HOTPLUG": 2, f"{TYPE}_OFFLINE": 2})
    answer = plan(configuration, ["auto-online"])
    assert answer.changes == {f"{TYPE}_ONLINE_AUTO": 2}
    assert answer.follow == {f"{TYPE}_OFFLINE": 0}


def test_of_equally_small_changes_the_least_risky_is_proposed_and_the_others_named() -> None:
    answer = plan(kernel("x86", (6, 18), {**BARE, "MEMORY_HOTPLUG": 2}), ["auto-online"])
    assert answer.changes == {f"{TYPE}_ONLINE_AUTO": 2}
    assert answer.others == tuple(
        (f"{TYPE}_ONLINE_AUTO", f"{TYPE}_ONLINE_{kind}", 2) for kind in ("KERNEL", "MOVABLE")
    )


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ((6, 12), True), ((6, 12, 109), True), ((6, 12, 110), False), ((6, 12, 118), False),
        ((6, 13), True), ((6, 13, 12), True), ((6, 14), False), ((7, 3), False),
    ],
)  # fmt: skip
def test_the_default_of_onlining_has_the_option_that_its_release_has(
    version: tuple[int, ...], old: bool
) -> None:
    file = {**BARE, "MEMORY_HOTPLUG": 2}
    before = kernel("x86", version, {**file, "MEMORY_HOTPLUG_DEFAULT_ONLINE": 2})
    choice = kernel("x86", version, {**file, f"{TYPE}_ONLINE_MOVABLE": 2})
    assert (works(before, "auto-online"), works(choice, "auto-online")) == (old, not old)
    assert before.foreign == (() if old else ("MEMORY_HOTPLUG_DEFAULT_ONLINE",))
    assert choice.foreign == ((f"{TYPE}_ONLINE_MOVABLE",) if old else ())


def test_of_a_choice_given_twice_the_last_line_counts() -> None:
    auto, offline = f"{TYPE}_ONLINE_AUTO", f"{TYPE}_OFFLINE"
    file = {"MEMORY_HOTPLUG": 2}
    assert works(kernel("x86", (6, 18), {**file, offline: 2, auto: 2}), "auto-online")
    assert not works(kernel("x86", (6, 18), {**file, auto: 2, offline: 2}), "auto-online")


@pytest.mark.parametrize("transport", ["VIRTIO_PCI", "VIRTIO_MMIO", "S390_GUEST", "VIRTIO"])
def test_virtio_mem_works_on_any_transport(transport: str) -> None:
    architecture = "s390" if transport == "S390_GUEST" else "x86"
    file = {**BARE, "PCI": 2 * (transport == "VIRTIO_PCI"), "COMPACTION": 2, transport: 2}
    on = dict.fromkeys(("MEMORY_HOTPLUG", "MEMORY_HOTREMOVE", "VIRTIO_MEM", "STRICT_DEVMEM"), 2)
    assert works(kernel(architecture, (6, 18), {**file, **on}), "virtio-mem")


def test_m_is_no_value_of_a_bool_and_tells_that_there_are_modules() -> None:
    """As confdata.c has it: the line is passed over, and the option has its default."""
    configuration = kernel("x86", (6, 18), {"MEMORY_HOTPLUG": 1, "DAX": 1})
    assert not works(configuration, "hot-add")
    assert settle(configuration)["DAX"] == 1


CXL = {"PCI": 2, "ACPI": 2, "SMP": 2, "NUMA": 2, "MEMORY_HOTPLUG": 2, "TRANSPARENT_HUGEPAGE": 2}
CXL |= dict.fromkeys(("DAX", "DEV_DAX", "CXL_BUS", "CXL_PCI", "CXL_ACPI", "CXL_MEM"), 2)


def test_cxl_memory_needs_regions_and_a_dax_device_of_them() -> None:
    configuration = kernel("x86", (6, 11), {**CXL, "CXL_REGION": 0, "DEV_DAX_CXL": 0})
    assert works(configuration, "dax-kmem")
    assert not works(configuration, "cxl-memory")
    assert plan(configuration, ["cxl-memory"]).changes == {"CXL_REGION": 2, "DEV_DAX_CXL": 2}
    assert "CXL_REGION (since 6.0)" in impossible(kernel("x86", (5, 19), CXL), "cxl-memory")


def test_hyper_v_and_xen_are_asked_for_what_kconfig_asks() -> None:
    file = {"SMP": 2, "ACPI": 2, "MEMORY_HOTPLUG": 2, "HYPERVISOR_GUEST": 2, "PARAVIRT": 2}
    configuration = kernel(
        "x86", (6, 12), {**file, "HYPERV": 2, "XEN": 2, "XEN_BALLOON_MEMORY_HOTPLUG": 0}
    )
    assert plan(configuration, ["hyperv-memory"]).changes == {"HYPERV_BALLOON": 2}
    assert plan(configuration, ["xen-memory"]).changes == {"XEN_BALLOON_MEMORY_HOTPLUG": 2}


def test_migration_is_no_change_where_only_other_options_select_it() -> None:
    """Since 7.1 nobody is asked for MIGRATION."""
    file = {**BARE, "NUMA": 0}
    assert plan(kernel("arm64", (7, 0), {**file, "MIGRATION": 0}), ["migration"]).changes == {
        "MIGRATION": 2
    }
    changes = plan(kernel("arm64", (7, 1), file), ["migration"]).changes
    assert changes is not None
    assert len(changes) == 1
    assert "MIGRATION" not in changes


def test_a_derived_option_is_never_a_change() -> None:
    configuration = kernel("arm64", (6, 1), {"MODULES": 2})
    changes = plan(configuration, ["virtio-mem", "memmap-on-memory", "contig-alloc"]).changes
    assert changes
    assert all(configuration.rules[name].asked for name in changes)
    assert not {"VIRTIO", "CONTIG_ALLOC", "MHP_MEMMAP_ON_MEMORY"} & set(changes)


def test_an_option_that_its_dependencies_forbid_does_not_count() -> None:
    """As `make olddefconfig` would drop it: MEMORY_HOTREMOVE without MEMORY_HOTPLUG."""
    configuration = kernel("x86", (6, 1), {**BARE, "MEMORY_HOTREMOVE": 2})
    assert not works(configuration, "hot-remove")
    assert "MEMORY_HOTPLUG" in missing(configuration, "hot-remove")
    assert plan(configuration, ["hot-remove"]).changes == {"MEMORY_HOTPLUG": 2}


def test_what_another_option_selects_stays_selected() -> None:
    configuration = kernel("s390", (6, 1), {"VIRTIO": 2, "VIRTIO_MENU": 0})
    assert settle(configuration)["VIRTIO"] == 2


@pytest.mark.parametrize(
    ("architecture", "version", "name", "says"),
    [
        ("s390", (6, 1), "virtio-mem", "no CONFIG_VIRTIO_MEM"),
        ("arm64", (5, 10), "virtio-mem", "no CONFIG_VIRTIO_MEM (since 5.19) on arm64 in 5.10"),
        ("riscv", (6, 1), "hot-add", "no CONFIG_ARCH_ENABLE_MEMORY_HOTPLUG"),
        ("x86", (6, 1), "crash-hotplug", "no CONFIG_CRASH_HOTPLUG"),
        ("arm64", (6, 12), "probe-file", "no CONFIG_ARCH_MEMORY_PROBE"),
    ],
)
def test_what_an_architecture_or_a_version_cannot_have_is_named(
    architecture: str, version: tuple[int, ...], name: str, says: str
) -> None:
    configuration = kernel(architecture, version, {"MODULES": 2})
    assert plan(configuration, [name]).changes is None
    assert says in impossible(configuration, name)


def test_a_fact_that_stands_in_the_way_is_named() -> None:
    configuration = kernel("x86", (6, 8), {**BARE, "PREEMPT_RT": 2})
    assert "CONFIG_PREEMPT_RT" in impossible(configuration, "thp-migration")


def _brute(configuration: Kernel, name: str, largest: int) -> int | None:
    """The size of a smallest set of changes, by trying all of them."""
    prompts = [n for n, o in configuration.rules.items() if o.asked]
    for size in range(largest + 1):
        for chosen in combinations(prompts, size):
            for values in product((0, 1, 2), repeat=size):
                changes = dict(zip(chosen, values, strict=True))
                if works(replace(configuration, file={**configuration.file, **changes}), name):
                    return size
    return None


SMALL = [
    "DEVMEM",
    "STRICT_DEVMEM",
    "MIGRATION",
    "COMPACTION",
    "MEMORY_HOTPLUG",
    "MEMORY_HOTREMOVE",
    "VIRTIO_MEM",
]


@pytest.mark.parametrize(
    "off",
    [
        {"VIRTIO_MEM": 0},
        {"VIRTIO_MEM": 0, "COMPACTION": 0},
        {"VIRTIO_MEM": 0, "STRICT_DEVMEM": 0, "MEMORY_HOTREMOVE": 0},
    ],
)
def test_the_smallest_set_is_as_small_as_trying_all_says(off: Mapping[str, int]) -> None:
    derived = {n: o for n, o in rules("x86", (6, 1)).items() if not o.asked or n in SMALL}
    whole = {n: 2 for n in SMALL} | {"VIRTIO_PCI": 2, "VIRTIO_MENU": 2, "SMP": 2, "VIRTIO": 2}
    file = {**whole, **off, "MODULES": 2}
    built = kernel("x86", (6, 1), file)
    facts = {**built.facts, **{n: 2 for n in ("VIRTIO_PCI", "VIRTIO_MENU", "SMP")}}
    configuration = Kernel(derived, file, facts, {"VIRTIO": 2})
    changes = plan(configuration, ["virtio-mem"]).changes
    assert changes is not None
    assert len(changes) == len(off)
    assert _brute(configuration, "virtio-mem", len(off) - 1) is None, "a smaller set does"
    assert works(replace(configuration, file={**file, **changes}), "virtio-mem")


def test_the_same_answer_comes_each_time() -> None:
    configuration = kernel("x86", (6, 12), BARE)
    wanted = ["virtio-mem", "crash-hotplug", "auto-online"]
    assert plan(configuration, wanted) == plan(configuration, wanted)
    assert fewest(configuration, wanted) is Verdict.proved


def test_every_claim_is_as_declared() -> None:
    for result in prove_configuration_claims():
        wanted = Verdict.proved if result.claim.true else Verdict.refuted
        assert result.verdict is wanted, result
    assert every_capability_is_possible()[1] is Verdict.holds


def test_a_planted_wrong_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `depends on MIGRATION`, z3 finds a kernel that removes and cannot migrate."""

    def wrong(architecture: str, version: tuple[int, ...]) -> dict[str, object]:
        options = dict(rules(architecture, version))
        old = options["MEMORY_HOTREMOVE"]
        options["MEMORY_HOTREMOVE"] = replace(old, depends=parse("MEMORY_HOTPLUG"))
        return dict(options)

    claim = CLAIM["hot_remove_can_migrate"]
    assert prove_configuration_claim(claim).verdict is Verdict.proved
    monkeypatch.setattr(configuration_claims, "rules", wrong)
    result = prove_configuration_claim(claim)
    assert result.verdict is Verdict.refuted
    assert "MEMORY_HOTREMOVE" in result.options
    assert "MIGRATION" not in result.options


def test_a_capability_that_nothing_gives_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = Capability("idle", "nothing", parse("VIRTIO_MEM && VIRTIO_PCI && PPC"), (5, 10))
    for module in (configuration, configuration_plan, configuration_claims):
        monkeypatch.setattr(module, "CAPABILITIES", (idle,))
    assert every_capability_is_possible()[1] is Verdict.refuted


def test_a_32_bit_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="32-bit"):
        kernel("x86", (6, 1), {"64BIT": 0})


def test_what_was_there_before_its_rule_moved_is_no_stranger() -> None:
    """CRASH_DUMP and kexec are older than kernel/Kconfig.kexec, and on each architecture."""
    file = {"KEXEC": 2, "KEXEC_CORE": 2, "KEXEC_FILE": 2, "CRASH_DUMP": 2}
    for architecture in ("x86", "arm64", "powerpc", "s390"):
        for version in ((5, 10), (6, 4), (6, 12), (7, 3)):
            assert kernel(architecture, version, file).foreign == ()
