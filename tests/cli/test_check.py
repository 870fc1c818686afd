"""`memhp check`: its verdicts, its document, its exit codes, and what it says to bad input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli.main import main
from memhp.spec.system import SYSTEM

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "check.json").read_text())
ENDS, SOMETIMES = (next(SYSTEM.of_kind(kind)).name for kind in ("ends", "sometimes"))


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    code, out, _ = run(capsys, "check", "--json", *argv)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    return found


@pytest.mark.xdist_group("the whole specification")
def test_everything_is_proved_and_the_document_follows_its_schema(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = document(capsys)
    assert len(found["actions"]) >= 25
    assert len(found["properties"]) >= 40
    verdicts = {(p["kind"] == "sometimes", p["verdict"]) for p in found["properties"]}
    assert verdicts == {(True, "holds"), (False, "proved")}
    rows = {row for p in found["properties"] for row in p["covers"] if p["verdict"] == "proved"}
    assert rows == set(SYSTEM.rows)
    again = document(capsys)
    assert again["summary"]["cached"] == again["summary"]["properties"]
    assert [p["verdict"] for p in again["properties"]] == [
        p["verdict"] for p in found["properties"]
    ]


def test_a_proof_is_certified_by_the_second_solver(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--only", "N2", "--certify")
    assert found["properties"]
    assert all(p["certified"] for p in found["properties"] if p["kind"] != "sometimes")


def test_the_schema_can_fail(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--only", "pgdat_section_leaves_last")
    found["properties"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


@pytest.mark.slow
def test_a_profile_shows_what_it_gives_up(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--profile", "linux-6.12", "--only", "N4")
    given_up = {p["name"]: p for p in found["properties"] if "given_up" in p}
    assert set(given_up) == {
        "contents_stay_on_their_node_while_it_has_room",
        "no_free_frame_that_is_nearer_is_passed_over",
        "no_free_huge_folio_that_is_nearer_is_passed_over",
        "no_free_range_that_is_nearer_is_passed_over",
        "the_nearest_node_with_room_is_chosen",
    }
    assert all(p["verdict"] == "refuted" and p["trace"] for p in given_up.values())


def test_a_variant_is_refuted_and_its_trace_replays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace.itf.json"
    code, out, _ = run(capsys, "check", "--variant", "pgdat-goes-early", "--trace", str(trace))
    assert code == 1
    assert "shortest trace, 8 steps" in out
    assert "violated: pgdat_section_leaves_last(s=section1)" in out
    code, out, _ = run(capsys, "replay", str(trace))
    assert code == 1
    assert "present[section0]: true -> false" in out
    assert "violated: pgdat_section_leaves_last(s=section1)" in out


def test_a_scope_is_searched_to_its_depth(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "check", "--scope", "node=2,block=3", "--depth", "3", "--only", "U1", "-q"
    )
    assert "to depth 3" in out or "every reachable state" in out
    assert code in (0, 3)  # 3: a *sometimes* that needs more steps is undetermined
    assert "refuted" not in out


def test_obligations_are_exported_for_any_solver(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(
        capsys, "check", "-q", "--only", "N2", "--export", str(tmp_path / "obligations")
    )
    assert code == 0
    files = sorted((tmp_path / "obligations").iterdir())
    assert f"{len(files)} obligations written" in err
    assert "(check-sat)" in files[0].read_text()


def test_proofs_are_kept_and_held_against_the_specification(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = str(tmp_path / "proofs")
    claim = next(each.name for each in SYSTEM.properties if each.kind == "step")
    code, _, err = run(capsys, "check", "-q", "--only", claim, "--proofs", place)
    assert (code, " proofs kept in " in err) == (0, True)
    code, out, _ = run(capsys, "check", "--verify-proofs", place, "--only", claim)
    assert (code, "none is missing" in out) == (0, True)
    code, out, _ = run(capsys, "check", "--verify-proofs", place)
    assert code == 1
    assert "has no certificate" in out
    code, out, err = run(capsys, "check", "--only", claim, "--proofs", place)
    assert (code, out) == (2, "")
    assert "not an empty folder" in err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--variant", "pgdat-go-early"], "did you mean pgdat-goes-early?"),
        (["--profile", "linux"], "there is no profile 'linux'"),
        (["--only", "nothing_at_all_like_it"], "there is no property or row"),
        (["--depth", "3"], "--depth goes with --scope"),
        (["--scope", "node=3,block=2"], "each node needs a block"),
        (["--scope", "page=2"], "'page=2' is not one of"),
        (["--scope", "node=0"], "the number must be from 1 to 255"),
        (["--trace", "x"], "--trace goes with --variant"),
        (["--scope", "node=1", "--certify"], "--scope searches"),
        (["--scope", "node=1", "--proofs", "x"], "--scope searches"),
        (["--variant", "pgdat-goes-early", "--proofs", "x"], "--variant refutes"),
        (["--variant", "pgdat-goes-early", "--certify"], "--variant refutes"),
        (["--variant", "pgdat-goes-early", "--export", "x"], "--variant refutes"),
        (["--verify-proofs", "x", "--certify"], "--verify-proofs goes with"),
        (["--verify-proofs", "x", "--json"], "--verify-proofs goes with"),
        (["--verify-proofs", "/not/there"], "cannot read /not/there/manifest.json"),
        (["--verify-proofs", "/not/there", "--only", SOMETIMES], "nothing that has a proof"),
        (["--scope", "node=1", "--only", ENDS], "searches for no run that never ends"),
        (["--proofs", "/not/there/x", "--only", "N2"], "cannot write to /not/there/x"),
        (["--proofs", "/dev/null", "--only", "N2"], "not an empty folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "check", *argv)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[]", "not a trace of memhp"),
        ('{"#meta": {"memhp": {"system": "other"}}}', "not of 'memhp'"),
        ('{"#meta": {"memhp": {"system": "memhp"}}}', "field 'sizes' is missing"),
        ('{"#meta": {"memhp": {"system": "memhp+nonsense"}}}', "no variant or profile"),
    ],
)
def test_a_file_that_is_no_trace_is_one_line_and_exit_2(
    text: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "trace.json"
    path.write_text(text)
    code, _, err = run(capsys, "replay", str(path))
    assert code == 2
    assert says in err
    assert err.count("\n") == 1


def test_explain_shows_guards_as_they_are_tested(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "explain", "begin_offline")
    assert code == 0
    assert "guard no_unmovable [EBUSY]: the block holds unmovable kernel memory" in out
    assert "looks at all elements: " in out
    code, out, _ = run(capsys, "explain", "alloc_kernel")
    assert "reads draining, frame_state, leaving, zone (4 entries)" in out
    assert "normal path: entries beyond those without hotplug: 2, allowed: 2" in out
    assert run(capsys, "explain", "begin_offlin")[0] == 2


def test_explain_a_row_lists_its_properties_and_its_wrong_designs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "explain", "N2")
    assert code == 0
    assert "  always pgdat_section_leaves_last\n    While any section of a node is present" in out
    assert "  variant pgdat-goes-early\n    The section that holds the node" in out
    code, out, _ = run(capsys, "explain", "pgdat-goes-early")
    assert "  edit:   remove_section does without guard pgdat_leaves_last" in out
    assert "  breaks: pgdat_section_leaves_last" in out


def test_a_failed_proof_shows_the_step_and_only_what_differs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from memhp.spec import system
    from memhp.spec.language import DropGuard

    broken = DropGuard("free_memmap", "section_gone").apply(system.SYSTEM)
    monkeypatch.setattr(system, "SYSTEM", broken)
    code, out, _ = run(capsys, "check", "--only", "present_sections_have_a_memmap")
    assert code == 1
    assert "refuted: present_sections_have_a_memmap by free_memmap" in out
    assert re.search(
        r"free_memmap\(s=section(\d)\) breaks present_sections_have_a_memmap\(s=section\1\)", out
    )
    assert "-> absent" in out
    assert "frame_state" not in out


def test_the_reference_is_light_to_import() -> None:
    code = (
        "import sys, memhp.reference; "
        "print(sorted({'z3', 'cvc5', 'hypothesis', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
