"""`memhp explain`: whatever memhp names, in any case, with who reads and who writes it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from memhp.cli.index.entries import KINDS, entries, named
from memhp.cli.index.entry import Entry, Subject
from memhp.cli.index.kernel import cited_in
from memhp.cli.main import main
from memhp.spec.language.errnos import errorcode
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def every() -> tuple[Entry, ...]:
    return tuple(entries(Subject(SYSTEM, VARIANTS)))


def explained(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["explain", *argv]) == 0
    return capsys.readouterr().out


def test_everything_that_the_specification_declares_is_found_by_its_name_in_any_case() -> None:
    declared: dict[str, list[str]] = {
        "action": [*SYSTEM.action_by_name],
        "guard": [f"{a.name}.{g.name}" for a in SYSTEM.actions for g in a.guards],
        "property": [*SYSTEM.property_by_name],
        "axiom": [axiom.name for axiom in SYSTEM.axioms],
        "definition": [*SYSTEM.definitions],
        "variable": [variable.symbol.name for variable in SYSTEM.variables],
        "topology": [symbol.name for symbol in SYSTEM.topology],
        "sort": [sort.name for sort in SYSTEM.sorts if sort.members is None],
        "enumeration": [sort.name for sort in SYSTEM.sorts if sort.members],
        "member": [f"{s.name}.{m}" for s in SYSTEM.sorts for m in s.members or ()],
        "module": [action.module for action in SYSTEM.actions],
        "variant": [variant.name for variant in VARIANTS],
        "errno": [errorcode[g.errno] for a in SYSTEM.actions for g in a.guards if g.errno],
    }
    by_name: dict[str, set[str]] = {}
    for entry in every():
        for name in (entry.name, *entry.others):
            by_name.setdefault(name.casefold(), set()).add(entry.kind)
    for kind, names in declared.items():
        assert names
        assert [name for name in names if kind not in by_name.get(name.casefold(), ())] == []


def test_every_kind_has_names_and_every_name_is_told_in_words() -> None:
    assert {entry.kind for entry in every()} == {*KINDS}
    for entry in every():
        assert entry.sentence.endswith((".", ":")), entry.name
        assert entry.lines()[0].split()[0] in (entry.kind, "always", "step", "sometimes", "ends")


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("u6", "row", "claim hot_remove_can_migrate"),
        ("R1", "row", "claim a_64k_page_order_fits_an_ia64_section_of_1_gib"),
        ("U2", "row", "slow design allocation-looks-at-every-block"),
        ("block_state", "variable", "written by: begin_online"),
        ("Node", "sort", "actions on it: allocate_pgdat"),
        ("BlockState.ONLINE", "member", "set by: finish_online, cancel_offline"),
        ("addresses_are_ordered", "axiom", "named by the proofs of: nodes_span_their_blocks"),
        ("nearer", "topology", "in definitions: is_nearer_to"),
        ("offline_pages", "function", "guard begin_offline.no_unmovable [EBUSY]"),
        ("offline_pages", "function", "wrong designs: "),
        ("state_store", "function", "operations: write_state"),
        ("EBUSY", "errno", "guard finish_offline.empty [EBUSY]"),
        ("16", "errno", "errno EBUSY (16)"),
        ("write_state", "operation", "write_state(block: int, word: str)"),
        ("linux-6.12", "profile", "gives up waiting_for_a_store_ends"),
        ("wait-without-a-budget", "choice", "Linux has it since the first read"),
        ("memhp.spec.blocks.blocks", "module", "actions: begin_online"),
        ("a_device_goes_after_its_memory", "scenario", "rows: A1, R4"),
        ("virtio-mem", "capability", "decided by options: VIRTIO_MEM"),
        ("ia64-16k", "architecture", "largest buddy block"),
        ("undetermined", "word", "never counts as a success"),
    ],
)
def test_what_is_told(name: str, kind: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = [entry for entry in named(name, every()) if entry.kind == kind]
    assert any(says in "\n".join(entry.lines()) for entry in found)
    assert says in explained(capsys, name)


def test_a_guard_is_found_by_its_own_name_in_every_action_that_has_it() -> None:
    assert {entry.name for entry in named("holds_no_pgdat", every())} >= {
        "eject_device.holds_no_pgdat",
        "release_lmb.holds_no_pgdat",
    }


def test_without_a_name_the_kinds_are_listed_and_with_one_its_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [line.split()[0] for line in explained(capsys).splitlines()[1 : len(KINDS) + 1]] == [
        *KINDS
    ]
    lines = explained(capsys, "--kind", "Axiom").splitlines()
    assert lines[::2] == [axiom.name for axiom in SYSTEM.axioms]
    assert all(line.startswith("    ") for line in lines[1::2])


def test_a_kind_is_chosen_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    assert "capability migration" in explained(capsys, "migration")
    assert "capability" not in explained(capsys, "migration", "--kind", "module")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["begin_ofline"], "did you mean begin_offline?"),
        (["ofline_pages"], "did you mean offline_pages?"),
        (["zzzqqq"], "memhp explain lists all"),
        (["--kind", "axoim"], "did you mean axiom?"),
        (["N2", "--kind", "errno"], "there is no name 'N2'"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_to_do(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *argv]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_the_document_says_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(explained(capsys, "copy", "--json"))
    assert {each["kind"] for each in document["explanations"]} >= {"action"}
    for each in document["explanations"]:
        assert each["head"] in explained(capsys, "copy")
    listed = json.loads(explained(capsys, "--kind", "errno", "--json"))
    assert {"kind": "errno", "name": "EBUSY", "sentence": "Device or resource busy."} in listed[
        "names"
    ]


def test_a_system_of_ones_own_is_explained_without_memory_hotplug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = str(EXAMPLES / "lock_service.py")
    kinds = explained(capsys, "--system", path)
    assert "action" in kinds
    assert "scenario" not in kinds
    assert main(["explain", "begin_offline", "--system", path]) == 2
    capsys.readouterr()
    names = [entry["name"] for entry in json.loads(
        explained(capsys, "--system", path, "--kind", "action", "--json"))["names"]]  # fmt: skip
    assert "wrong designs of it" not in explained(capsys, names[0], "--system", path)


def test_wrong_designs_are_listed_with_a_sentence_each_and_by_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["variants"]) == 0
    out = capsys.readouterr().out
    for variant in VARIANTS:
        listed = f"\n{variant.name}  {' '.join(variant.covers)}\n  "
        sentence, breaks = f"\n{out}".partition(listed)[2].splitlines()[:2]
        assert sentence.endswith(".")
        assert breaks == f"  breaks {variant.breaks}"
    assert main(["variants", "--row", "n2"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line[:1].isalpha()]
    assert len(rows) - 1 == sum("N2" in variant.covers for variant in VARIANTS)
    assert main(["variants", "--row", "N9"]) == 2
    assert "there is no row 'N9'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Isolate (offline_pages).", ["offline_pages"]),
        ("Source: mm/migrate.c, migrate_pages; drivers/base/memory.c (state_store).",
         ["migrate_pages", "state_store"]),
        ("offline_pages() tries again", ["offline_pages"]),
        ("the hotplug_lock and mm/memory_hotplug.c", []),
        ("pages (mm/page_alloc.c) of x86_64 (x86_64)", []),
    ],
)  # fmt: skip
def test_names_of_linux_are_those_that_are_cited(text: str, names: list[str]) -> None:
    assert cited_in(text) == names
