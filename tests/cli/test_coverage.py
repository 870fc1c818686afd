"""`memhp coverage`: the table is what the evidence says, and README carries the present one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.checks.coverage import Cell, coverage
from memhp.checks.evidence import Evidence, Question
from memhp.checks.proof.strength import Strength
from memhp.checks.support.verdicts import Verdict
from memhp.cli.coverage import _kernels, as_json, cell_text, markdown, sentences
from memhp.cli.main import main
from memhp.lab.conform.report import Tally
from memhp.lab.conform.results import Results, Seen, rules_of
from memhp.lab.conform.scenarios import SCENARIOS
from memhp.spec.rows import COLUMNS, ROWS, Row
from memhp.spec.system import SYSTEM

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "coverage.json").read_text())
QUESTION = Question(SYSTEM, (), ())
ROW = Row("Z9", "a concern", "check", ("engine", "kernel"))


def evidence(column: str, verdict: Verdict = Verdict.holds) -> Evidence:
    return Evidence("Z9", column, f"some_{column}", verdict, "3 steps")


def table(*found: Evidence) -> Any:
    (row,) = coverage(QUESTION, rows=[ROW], providers=[lambda _: found])
    return row


ALL = [evidence(column) for column in ROW.claims]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """The document and the Markdown of the whole specification."""
    with pytest.MonkeyPatch.context() as printed:
        said: list[str] = []
        printed.setattr("builtins.print", lambda *parts, **_: said.append(" ".join(parts)))
        forms = (["--json", "--jobs", "2"], ["--markdown"], ["--sentences"])
        codes = [main(["coverage", *form]) for form in forms]
    document, text, sentences = said
    tables = {"README.md": text, "docs/invariants.md": sentences}
    return {"document": json.loads(document), "tables": tables, "codes": codes}


def test_a_row_with_evidence_in_every_claimed_column_passes() -> None:
    assert table(*ALL).verdict.passes


@pytest.mark.parametrize("column", ROW.claims)
def test_a_claimed_column_without_evidence_is_refuted(column: str) -> None:
    found = table(*(each for each in ALL if each.column != column))
    assert found.verdict is Verdict.refuted
    assert cell_text(found.by_column[column]) == "missing"


def test_the_worst_evidence_decides_a_cell() -> None:
    found = table(*ALL, evidence("proof", Verdict.undetermined))
    assert found.verdict.exit_code == 3
    assert cell_text(found.by_column["proof"]) == "1 of 2 undetermined: some_proof"


def test_a_column_that_nothing_claims_may_be_empty() -> None:
    cell = Cell("engine", False, ())
    assert cell.verdict.passes
    assert cell_text(cell) == "-"


def test_a_cell_of_kernels_says_how_many_and_what_is_to_be_said_of_them() -> None:
    details = ("a, b", "b, c; which do otherwise")
    found = tuple(Evidence("Z9", "kernel", "x", Verdict.holds, detail) for detail in details)
    assert cell_text(Cell("kernel", True, found)) == "3 kernels, which do otherwise"


SEEN = Seen("k", "6", 1, 0.1, 1, {"hold": Tally(1)}, {}, {SCENARIOS[0].name: True})


@pytest.mark.parametrize(
    ("seen", "rules", "verdict", "detail"),
    [
        (SEEN, rules_of(SYSTEM), Verdict.holds, "k"),
        (SEEN, "others", Verdict.holds, "k; held against earlier rules"),
        (replace(SEEN, operations={"hold": Tally(disagreed=1)}), "", Verdict.refuted, "k; held"),
        (replace(SEEN, lost=1), "", Verdict.refuted, "k; held"),
        (replace(SEEN, scenarios={SCENARIOS[0].name: False}), "", Verdict.refuted, "k; held"),
    ],
)
def test_a_kernel_is_evidence_if_all_that_it_did_agrees_and_is_said_to_be_of_earlier_rules(
    seen: Seen, rules: str, verdict: Verdict, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results("2026-11-27", "QEMU", rules, (seen,))
    monkeypatch.setattr("memhp.lab.conform.evidence.recorded", lambda: results)
    found = list(_kernels())
    assert [each.row for each in found] == [*SCENARIOS[0].rows]
    assert found[0].verdict is verdict
    assert found[0].detail.startswith(detail)


def test_every_row_is_there_once_and_claims_known_columns() -> None:
    names = [row.id for row in ROWS]
    assert len(set(names)) == len(names) == 21
    assert set(SYSTEM.rows) <= set(names)
    assert all(set(row.claims) <= set(COLUMNS) for row in ROWS)


@pytest.mark.xdist_group("the whole specification")
@pytest.mark.slow
def test_the_whole_table_its_schema_its_exit_code_and_the_documents(whole: dict[str, Any]) -> None:
    """One test, so that parallel runs compute the table once."""
    jsonschema.validate(whole["document"], SCHEMA)
    rows = {row["id"]: row for row in whole["document"]["rows"]}
    assert list(rows) == [row.id for row in ROWS]
    for name in ("N1", "N2", "M1", "D1"):
        columns = rows[name]["columns"]
        assert rows[name]["verdict"] in ("proved", "holds")
        assert all(columns[each]["evidence"] for each in ROW.claims)
    assert whole["codes"] == [0, 0, 0]
    for name, table in whole["tables"].items():
        text = (ROOT / name).read_text()
        between = re.search(r"<!-- coverage -->\n(.*?)\n?<!-- /coverage -->", text, re.DOTALL)
        lines = between[1].strip().splitlines() if between else []
        other = [line for line in table.strip().splitlines() if line not in lines]
        assert not other, f"lines that the table in {name} must have (memhp coverage --help)"
        assert lines == table.strip().splitlines()
    broken = json.loads(json.dumps(whole["document"]))
    broken["rows"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_what_guards_and_other_proofs_say_already_is_counted_apart() -> None:
    proofs = [evidence("proof", Verdict.proved)]
    proofs += [replace(proofs[0], strength=each.value) for each in Strength]
    assert cell_text(Cell("proof", True, tuple(proofs))) == "2 proved, 3 restated"
    (line,) = sentences([table(*ALL[:1], *proofs, *ALL[2:])]).splitlines()[2:]
    again = (f"`some_proof` ({word})" for word in ("guards", "form", "follows"))
    assert line == f"| Z9 | `some_proof`, `some_proof` | {', '.join(again)} |"


def test_markdown_has_a_line_for_each_row_and_no_times() -> None:
    lines = markdown([table(*ALL)]).splitlines()
    assert lines[0] == "| row | concern | spec | proof | defect | engine | kernel | use |"
    assert lines[2] == (
        "| Z9 | a concern | 1 property | 1 reached | 1 refuted | - | - | `3 steps` |"
    )
    assert as_json([table(*ALL)])["rows"][0]["columns"]["use"]["evidence"][0]["name"] == "some_use"
