"""Kept proofs: whole or not there, each of an obligation of this very specification."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.checks.proof import certificates, proofs
from memhp.checks.proof.case import Case, Limits
from memhp.checks.proof.certificates import Certificate, digest
from memhp.checks.proof.proofs import MANIFEST, archive, verify
from memhp.checks.proof.prove import prove
from memhp.checks.proof.solvers import Answer, Query, Refuter, Status
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language import DropGuard, load

from .. import toy

TOY = load("toy", (toy,))
NAMES = [claim.name for claim in TOY.properties if claim.kind != "sometimes"]
SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "proofs.json").read_text())
Row = dict[str, Any]


def proofs_in(place: Path, *, jobs: int = 1) -> Path:
    with archive(place) as proofs:
        report = prove(TOY, jobs=jobs, certify=True, take=proofs.take)
        assert report.verdict is Verdict.proved
        proofs.finish(TOY, NAMES)
    return place


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return proofs_in(tmp_path_factory.mktemp("kept") / "proofs")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "proofs"))


def spoil(folder: Path, change: Callable[[list[Row]], object]) -> list[str]:
    """What is found after the manifest was changed."""
    document = json.loads((folder / MANIFEST).read_text())
    change(document["certificates"])
    (folder / MANIFEST).write_text(json.dumps(document))
    return verify(TOY, folder, NAMES)[1]


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as files:
        return {
            member: content.read().decode()
            for member in files.getnames()
            if (content := files.extractfile(member))
        }


def test_every_obligation_has_a_certificate_with_a_reason_for_each_step(whole: Path) -> None:
    document = json.loads((whole / MANIFEST).read_text())
    jsonschema.validate(document, SCHEMA)
    rows = document["certificates"]
    report = prove(TOY, jobs=1)
    assert len(rows) == sum(each.obligations - each.unchanged for each in report.results)
    assert verify(TOY, whole, NAMES) == (len(rows), [])
    assert {row["trusted"] for row in rows} == {0}
    assert str(whole.parent) not in (whole / MANIFEST).read_text()
    with tarfile.open(whole / f"{rows[0]['property']}.tar.gz") as files:
        assert f"{rows[0]['name']}.cpc" in files.getnames()


def test_the_files_are_the_same_however_many_processes_make_them(
    whole: Path, tmp_path: Path
) -> None:
    again = proofs_in(tmp_path / "again", jobs=2)
    assert sorted(os.listdir(again)) == sorted(os.listdir(whole))
    for name in os.listdir(whole):
        assert (again / name).read_bytes() == (whole / name).read_bytes()


def test_what_follows_without_a_solver_is_certified_all_the_same(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cvc5 gets the obligation itself, and does not hear that it was decided."""
    texts: list[str] = []
    ask = Refuter.ask

    def watched(self: Refuter, text: str) -> tuple[Answer, str]:
        texts.append(text)
        return ask(self, text)

    monkeypatch.setattr(Refuter, "ask", watched)
    prove(TOY, jobs=1, certify=True)
    rows = json.loads((whole / MANIFEST).read_text())["certificates"]
    assert {digest(text) for text in texts} == {row["obligation"] for row in rows}


def test_a_step_without_a_reason_leaves_the_property_undetermined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = Refuter.ask

    def trusting(self: Refuter, text: str) -> tuple[Answer, str]:
        answer, proof = ask(self, text)
        return answer, proof.replace(":rule contra", ":rule trust")

    monkeypatch.setattr(Refuter, "ask", trusting)
    taken: list[str] = []

    def take(name: str, _: Sequence[Certificate]) -> None:
        taken.append(name)

    report = prove(TOY, jobs=1, certify=True, take=take)
    unconfirmed = {
        f"disjoint__{each.name}" if each.kind == "action" else each.name
        for each in report.results
        if any("does not confirm" in failure.reason for failure in each.failures)
    }
    assert report.verdict is Verdict.undetermined
    assert {"disjoint__swap", "a_mark_says_that_there_is_a_user"} <= unconfirmed
    assert not unconfirmed & set(taken)


def hole(size: int) -> bytes:
    """The header of a file that has nothing but a hole of that size, as GNU tar writes it."""
    header = bytearray(tarfile.TarInfo("hole").tobuf(tarfile.GNU_FORMAT))
    header[156:157], header[386:410] = b"S", b"%011o\0%011o\0" % (0, 0)
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def long_name() -> bytes:
    """The header of a long name, as GNU tar writes it."""
    member = tarfile.TarInfo("long")
    member.type = tarfile.GNUTYPE_LONGNAME
    return member.tobuf()


@pytest.mark.parametrize(
    "packed",
    [
        hole(8 << 30),
        long_name() * 3000,
        b"no tar at all",
        tarfile.TarInfo("short").tobuf()[:400],
    ],
    ids=["a hole", "headers in headers", "something else", "half a header"],
)
def test_what_is_packed_otherwise_is_as_good_as_nothing(packed: bytes, folder: Path) -> None:
    (folder / f"{NAMES[0]}.tar.gz").write_bytes(gzip.compress(packed + bytes(1024)))
    faults = verify(TOY, folder, NAMES)[1]
    assert any("the text in its file is not the obligation" in fault for fault in faults)


def test_what_shows_that_updates_stay_apart_needs_certificates_too(folder: Path) -> None:
    gone, alone = "free_frames_are_online", "a_mark_says_that_there_is_a_user"

    def lean_on_it(rows: list[Row]) -> None:
        rows[:] = [row for row in rows if row["property"] != gone]
        next(row for row in rows if row["property"] == "disjoint__swap")["assumes"] += [
            f"always.{gone}"
        ]

    spoil(folder, lean_on_it)
    assert f"{gone}__boot has no certificate" in verify(TOY, folder, [alone])[1]


def test_a_certificate_that_is_left_out_is_missed(folder: Path) -> None:
    def leave_one_out(rows: list[Row]) -> None:
        del rows[3]

    assert [fault.split(" ", 1)[1] for fault in spoil(folder, leave_one_out)] == [
        "has no certificate"
    ]


def test_so_is_a_whole_property_and_what_the_others_rest_on(folder: Path) -> None:
    gone = "folios_live_in_blocks_that_are_not_offline"
    spoil(
        folder,
        lambda rows: rows.__setitem__(slice(None), [r for r in rows if r["property"] != gone]),
    )
    assert verify(TOY, folder, [gone])[1]
    assert verify(TOY, folder, ["nobody_lives_in_free_frames"])[1]


def test_the_proof_of_another_obligation_is_no_certificate(folder: Path) -> None:
    def exchange(rows: list[Row]) -> None:
        first, second = (rows[at] for at in (2, 3))
        for key in ("obligation", "proof", "assumes", "steps"):
            first[key], second[key] = second[key], first[key]

    assert any("another obligation" in fault for fault in spoil(folder, exchange))


def test_nor_is_it_if_the_manifest_has_its_digest(folder: Path) -> None:
    """The text is right, the proof is in order, and it is a proof of something else."""
    document = json.loads((folder / MANIFEST).read_text())
    first, second, *_ = (r for r in document["certificates"] if r["property"] == NAMES[0])
    path = folder / f"{NAMES[0]}.tar.gz"
    files = unpacked(path)
    files[f"{first['name']}.cpc"] = files[f"{second['name']}.cpc"]
    path.write_bytes(proofs._packed(files))

    def lie(rows: list[Row]) -> None:
        row = next(row for row in rows if row["name"] == first["name"])
        row |= {key: second[key] for key in ("proof", "steps")}

    assert spoil(folder, lie) == [f"{first['name']}: the proof assumes what its text does not say"]


def test_nor_is_that_of_another_specification(whole: Path) -> None:
    changed = DropGuard("online", "offline").apply(TOY)
    faults = verify(changed, whole, NAMES)[1]
    assert any("online" in fault for fault in faults)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [("action", "x", "is not about the action"), ("trusted", 1, "1 steps without a reason")],
)
def test_what_a_row_says_besides_is_held_against_the_obligation(
    column: str, value: object, says: str, folder: Path
) -> None:
    (fault,) = spoil(folder, lambda rows: rows[0].__setitem__(column, value))
    assert says in fault


def test_what_may_not_be_assumed_is_told(folder: Path) -> None:
    def circular(rows: list[Row]) -> None:
        row = next(row for row in rows if row["name"].endswith("__boot"))
        row["assumes"].append(f"always.{row['property']}")

    assert any("may not assume" in fault for fault in spoil(folder, circular))


def test_a_proof_that_was_changed_is_told(folder: Path) -> None:
    name = f"{NAMES[0]}.tar.gz"
    texts = unpacked(folder / name)
    changed = {
        key: re.sub(r":rule [a-z_]+", ":rule trust", text, count=1) for key, text in texts.items()
    }
    (folder / name).write_bytes(proofs._packed(changed))
    faults = verify(TOY, folder, NAMES)[1]
    assert any("not the one of the manifest" in fault for fault in faults)
    assert any("give no reason" in fault for fault in faults)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "memhp-proofs/1"}', '{"schema": 1}'])
def test_what_is_no_manifest_is_told(content: str, folder: Path) -> None:
    (folder / MANIFEST).write_text(content)
    with pytest.raises(ValueError, match=r"a row|schema|JSON|Expecting"):
        verify(TOY, folder, NAMES)


def test_a_name_in_a_manifest_leads_nowhere_else(folder: Path) -> None:
    def lead_away(rows: list[Row]) -> None:
        rows.append(rows[0] | {"property": "../../etc/passwd"})

    assert "../../etc/passwd is no property" in spoil(folder, lead_away)[-1]


def test_what_is_not_finished_is_not_there(tmp_path: Path) -> None:
    with archive(tmp_path / "proofs") as proofs:
        proofs.take("some", [])
    assert os.listdir(tmp_path) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError), archive(tmp_path):
        pass
    assert os.listdir(tmp_path) == ["mine"]
    (tmp_path / "empty").mkdir()
    with archive(tmp_path / "empty") as proofs:
        proofs.finish(TOY, [])
    assert os.listdir(tmp_path / "empty") == [MANIFEST]


def test_what_one_solver_does_not_show_is_asked_of_fresh_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(self: Refuter, text: str) -> tuple[Answer, str]:
        raise RuntimeError("it broke")

    monkeypatch.setattr(certificates.Refuter, "ask", silent)
    report = prove(TOY, jobs=1, certify=True)
    assert report.verdict is Verdict.error


@pytest.mark.parametrize("status", ["unknown", "sat"])
@pytest.mark.parametrize("only", [None, ["nobody_lives_in_free_frames"]], ids=["all", "one"])
def test_what_rests_on_a_property_that_is_not_confirmed_is_not_certified(
    status: Status, only: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful, resting = "folios_live_in_blocks_that_are_not_offline", "nobody_lives_in_free_frames"
    take = Case.take

    def doubting(self: Case, query: Query, answer: Answer) -> None:
        claim = self.obligation.claim
        doubted = query.solver == "cvc5" and claim is not None and claim.name == doubtful
        take(self, query, Answer(status) if doubted else answer)

    monkeypatch.setattr(Case, "take", doubting)
    report = prove(TOY, jobs=1, certify=True, only=only)
    assert report.of(resting).verdict is Verdict.undetermined
    assert not report.of(resting).certified
    assert doubtful in report.of(resting).failures[0].reason
    if only is None:
        assert report.of("a_mark_says_that_there_is_a_user").certified


def test_nothing_is_certified_while_updates_may_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    take = Case.take

    def doubting(self: Case, query: Query, answer: Answer) -> None:
        doubted = query.solver == "cvc5" and self.obligation.claim is None
        take(self, query, Answer("unknown") if doubted else answer)

    monkeypatch.setattr(Case, "take", doubting)
    report = prove(TOY, jobs=1, certify=True, only=NAMES[:1])
    assert {each.verdict for each in report.results} == {Verdict.undetermined}
    assert not any(each.certified for each in report.results)


def test_a_solver_that_may_do_nothing_certifies_nothing() -> None:
    taken: list[str] = []

    def take(name: str, _: Sequence[Certificate]) -> None:
        taken.append(name)

    limits = replace(Limits(), cvc5=1)
    report = prove(TOY, jobs=1, certify=True, take=take, limits=limits, only=NAMES[:1])
    assert report.verdict is Verdict.undetermined
    assert NAMES[0] not in taken
