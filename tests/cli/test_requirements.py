"""`memhp export requirements`: what is required and cited, and what has changed in another tree."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli import requirements
from memhp.cli.index.entries import entries
from memhp.cli.index.entry import Subject
from memhp.cli.output.sdoc import sdoc
from memhp.lab.kernels.definitions import recorded_tree
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

FOLDER = Path(memhp.cli.__file__).parent / "schema"
SCHEMA = json.loads((FOLDER / "requirements.json").read_text())
DRIFT = json.loads((FOLDER / "drift.json").read_text())

READER = """
import sys
from strictdoc.backend.sdoc.reader import SDReader
document = SDReader.read(open(sys.argv[1]).read(), file_path=sys.argv[1])
nodes = [node for section in document.section_contents for node in section.section_contents]
print(len(nodes), sum(len(node.relations) for node in nodes))
"""
STRICTDOC = (
    "strictdoc==0.30.4",
    "arpeggio==2.0.3",
    "textx==4.4.0",
    "toml==0.10.2",
    "tree-sitter==0.25.2",
)
"""Its reader needs no more; all that strictdoc asks for is 466 MB."""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def document() -> Any:
    """The document without verdicts, which need a proof of everything."""
    every = entries(Subject(SYSTEM, tuple(VARIANTS)))
    found = requirements.requirements_of(SYSTEM, VARIANTS, every)
    return requirements.as_json(SYSTEM, found, recorded_tree())


def test_every_claim_action_and_guard_is_a_requirement_by_its_name(document: Any) -> None:
    jsonschema.validate(document, SCHEMA)
    guards = {f"{action.name}.{guard.name}" for action in SYSTEM.actions for guard in action.guards}
    names = [each["id"] for each in document["requirements"]]
    assert {*names} == {*SYSTEM.property_by_name, *SYSTEM.action_by_name, *guards}
    assert len({*names}) == len(names)


def test_a_guard_names_its_action_and_the_claim_that_breaks_without_it(document: Any) -> None:
    by_id = {each["id"]: each for each in document["requirements"]}
    guard = by_id["remove_section.pgdat_leaves_last"]
    assert guard["parents"] == ["remove_section", "pgdat_section_leaves_last"]
    assert "pgdat-goes-early" in guard["refuted"]
    assert "section_deactivate" in by_id["pgdat_section_leaves_last"]["functions"]
    assert all(parent in by_id for each in by_id.values() for parent in each["parents"])


def test_the_record_has_every_name_that_is_cited_and_no_other() -> None:
    """If not: memhp export requirements DIR --tree of these sources, DIR/functions.json."""
    every = entries(Subject(SYSTEM, tuple(VARIANTS)))
    cited = {entry.name for entry in every if entry.kind == "function"}
    record = recorded_tree()
    assert {*record.definitions} == cited
    assert record.version == "6.12.117"
    assert sum(bool(each) for each in record.definitions.values()) > 150


def tree(folder: Path, *, body: str, name: str = "mm/memory_hotplug.c") -> Path:
    """Sources of which the record knows one function."""
    (folder / "mm").mkdir(parents=True)
    (folder / "Makefile").write_text("VERSION = 9\nPATCHLEVEL = 1\nSUBLEVEL = 2\n")
    (folder / name).write_text(f"int offline_pages(unsigned long pfn)\n{{\n{body}\n}}\n")
    return folder


@pytest.mark.parametrize(
    ("body", "name", "change"),
    [
        ("\treturn 0;", "mm/memory_hotplug.c", ""),
        ("\treturn 1;", "mm/memory_hotplug.c", "changed"),
        ("\treturn 0;", "mm/other.c", "moved"),
    ],
)
def test_what_has_changed_is_told_with_who_cites_it(
    body: str, name: str, change: str, tmp_path: Path, run: Run
) -> None:
    base = tree(tmp_path / "base", body="\treturn 0;")
    other = tree(tmp_path / "other", body=body, name=name)
    words = ("export", "requirements", "--tree", base, "--drift", other)
    code, out, _ = run(*words)
    assert code == (1 if change else 0)
    assert (f"{change} offline_pages: mm/memory_hotplug.c:1-4 -> {name}:1-4" in out) is bool(change)
    code, out, _ = run(*words, "--json")
    drift = json.loads(out)
    jsonschema.validate(drift, DRIFT)
    assert [each["change"] for each in drift["changes"]] == ([change] if change else [])
    for each in drift["changes"]:
        assert "begin_offline" in " ".join(each["requirements"])
    assert "online_pages" in drift["not_found"]


def test_what_is_gone_is_told_against_the_record(tmp_path: Path, run: Run) -> None:
    other = tree(tmp_path / "other", body="\treturn 0;")
    code, out, _ = run("export", "requirements", "--drift", other)
    assert code == 1
    assert "gone online_pages: mm/memory_hotplug.c:" in out
    assert "from Linux 6.12.117 to 9.1.2" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a file or folder to write, or --drift TREE"),
        (["a.json", "--drift", "."], "name a file or folder to write, or --drift TREE"),
        (["a.txt"], "a.txt: the name ends in .json or .sdoc"),
        (["a.json", "--json"], "--json goes with --drift"),
        (["--drift", "/not/there"], "/not/there is no tree of kernel sources"),
        (["a.json", "--tree", "/dev/null"], "/dev/null is no tree of kernel sources"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(words: list[str], message: str, run: Run) -> None:
    code, out, err = run("export", "requirements", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_field_of_strictdoc_has_what_the_document_has(document: Any) -> None:
    text = sdoc(document)
    part = text.partition("UID: remove_section.pgdat_leaves_last\n")[2].partition("[REQ")[0]
    assert "KIND: guard" in part
    assert "- TYPE: Parent\n  VALUE: pgdat_section_leaves_last\n" in part
    assert "sha256:" in part


@pytest.mark.slow
def test_strictdoc_reads_it_and_verdicts_are_there(tmp_path: Path, run: Run) -> None:
    code, _, err = run("export", "requirements", tmp_path / "out")
    assert code == 0, err
    document = json.loads((tmp_path / "out/requirements.json").read_text())
    jsonschema.validate(document, SCHEMA)
    claims = [each for each in document["requirements"] if each["kind"].startswith("claim")]
    assert {each["proof"]["verdict"] for each in claims} == {"proved", "holds"}
    assert any(each["kernels"] for each in claims)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    where = tmp_path / "strictdoc"
    subprocess.run([*pip, "--no-deps", "--target", where, *STRICTDOC], check=True)
    done = subprocess.run(
        [sys.executable, "-c", READER, tmp_path / "out/requirements.sdoc"],
        env={"PYTHONPATH": str(where)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    parents = sum(len(each["parents"]) for each in document["requirements"])
    assert done.stdout.split() == [str(len(document["requirements"])), str(parents)]
