"""`memhp schema`: each document has a schema, which says what each field means."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from memhp.cli.commands import parser
from memhp.cli.main import main
from memhp.cli.schemas import schemas

TESTS = Path(__file__).parents[1]
DATA = TESTS / "data"
SCHEMAS = {name: json.loads(text) for name, text in schemas().items()}

LOCK = "the_lock_is_held_while_a_block_changes"
SMALL = ["--scope", "block=2", "--machine", "1", "--actions", "blocks", "--depth", "2", "-q"]

DOCUMENTS: list[tuple[str, list[str], int]] = [
    ("check", ["check", "--scope", "block=1", "--depth", "1", "--only", LOCK], 0),
    ("variant", ["check", "--variant", "lock-left-held"], 1),
    ("variants", ["variants"], 0),
    ("variants", ["variants", "--row", "N2"], 0),
    ("names", ["explain"], 0),
    ("names", ["explain", "--kind", "axiom"], 0),
    ("explain", ["explain", "copy"], 0),
    ("explain", ["explain", "offline_pages"], 0),
    ("explore", ["explore", *SMALL], 0),
    ("replay", ["replay", "{0}/trace.json"], 1),
    ("replay", ["replay", "{0}/divergence.json"], 0),
    ("fuzz", ["fuzz", "--steps", "1", "--walk", "--jobs", "1"], 0),
    ("inspect", ["inspect", str(DATA / "arm64-nodes.tar.gz")], 0),
    ("why", ["why", "32", "--machine", str(DATA / "gigantic.tar.gz")], 0),
    ("plan", ["plan", "128MiB", "--machine", str(DATA / "arm64-nodes.tar.gz")], 1),
    ("sections", ["sections", "--size", "4GiB"], 0),
    ("kconfig", ["kconfig", "{0}/config"], 1),
    ("lab", ["lab", "list"], 0),
]
"""Each command that writes a document at once, and its exit code."""

ELSEWHERE = {
    "addition": "cli/test_plan.py",
    "coverage": "cli/test_coverage.py",
    "design": "cli/test_designs.py",
    "drift": "cli/test_requirements.py",
    "kernels": "cli/test_conform.py",
    "mutants": "cli/test_mutants.py",
    "proofs": "checks/proof/test_proofs.py",
    "requirements": "cli/test_requirements.py",
}
"""Documents that take long to make: the tests that hold them against their schema."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace, a divergence, and a kernel's configuration."""
    made = tmp_path_factory.mktemp("inputs")
    assert main(["check", "--variant", "lock-left-held", "--trace", str(made / "trace.json")]) == 1
    document = json.loads((made / "trace.json").read_text())["#meta"]["memhp"]
    divergence = {
        "memhp": "divergence", "version": 1, "system": "memhp", "seed": 1,
        "topology": {"sizes": document["sizes"], "tables": document["tables"]},
        "operations": [["write_state", 0, "offline"]], "report": ["it differed"],
    }  # fmt: skip
    (made / "divergence.json").write_text(json.dumps(divergence))
    (made / "config").write_text("# Linux/x86 6.12.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    return made


@pytest.mark.parametrize(
    ("name", "argv", "code"), DOCUMENTS, ids=[" ".join(argv[:2]) for _, argv, _ in DOCUMENTS]
)
def test_a_document_is_as_its_schema_says(
    name: str, argv: list[str], code: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*(word.format(folder) for word in argv), "--json"]) == code
    jsonschema.validate(json.loads(capsys.readouterr().out), SCHEMAS[name])


def test_a_trace_is_as_its_schema_says(folder: Path) -> None:
    jsonschema.validate(json.loads((folder / "trace.json").read_text()), SCHEMAS["trace"])


def commands_with(option: str) -> Iterator[str]:
    """The sub-commands that have an option."""
    todo: list[tuple[str, argparse.ArgumentParser]] = [("", parser())]
    while todo:
        name, each = todo.pop()
        for action in each._actions:
            if isinstance(action, argparse._SubParsersAction):
                todo += [(f"{name} {word}".strip(), sub) for word, sub in action.choices.items()]
            elif option in action.option_strings:
                yield name


def test_every_command_with_json_has_a_schema_and_every_schema_a_test() -> None:
    shown = {" ".join(argv[:2]) for _, argv, _ in DOCUMENTS}
    shown |= {argv[0] for _, argv, _ in DOCUMENTS} | {
        "coverage",
        "lab conform",
        "export requirements",
    }
    assert {*commands_with("--json")} <= shown
    assert {name for name, _, _ in DOCUMENTS} | {"trace", *ELSEWHERE} == {*SCHEMAS}
    for name, test in ELSEWHERE.items():
        assert f'"{name}.json"' in (TESTS / test).read_text()


def undescribed(schema: Any, path: str = "") -> Iterator[str]:
    """The fields that a schema does not describe, but for what is always the same."""
    if isinstance(schema, list):
        for each in schema:
            yield from undescribed(each, path)
    elif isinstance(schema, dict):
        fields = schema.get("properties", {}) if "type" in schema else {}
        for name, field in fields.items():
            if "description" not in field and "const" not in field:
                yield f"{path}/{name}"
        for key, part in schema.items():
            yield from undescribed(
                part, path if key in ("properties", "items") else f"{path}/{key}"
            )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_says_what_each_field_means(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert list(undescribed(SCHEMAS[name])) == []


def test_a_field_that_is_not_described_is_found() -> None:
    schema = json.loads(re.sub(r'"description": "[^"]*",?', "", schemas()["variants"]))
    assert "/edits" in "".join(undescribed(schema))


def test_schemas_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*SCHEMAS]
    for name in ("inspect", "memhp-inspect/2", "INSPECT"):
        assert main(["schema", name]) == 0
        assert json.loads(capsys.readouterr().out) == SCHEMAS["inspect"]
    assert main(["schema", "inspct"]) == 2
    assert "did you mean inspect?" in capsys.readouterr().err
