"""docs/glossary.md has each word that the output draws from a fixed list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from memhp.checks.mutants.judge import Notice
from memhp.checks.numbers.configuration_judge import State
from memhp.checks.proof.prove import _METHODS
from memhp.checks.support.verdicts import Verdict
from memhp.cli.drift import Change
from memhp.lab.conform.report import Kind as StepKind
from memhp.machines.applying.apply import Ending
from memhp.machines.judging.removal_time import Confidence
from memhp.machines.planning.plan import PlanVerdict
from memhp.machines.reading.pageflags import FrameKind
from memhp.spec.language.system import Kind
from memhp.spec.rows import COLUMNS

GLOSSARY = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text()
LISTS = {
    "verdicts": [verdict.value for verdict in Verdict],
    "methods": list(_METHODS.values()),
    "kinds of property": get_args(Kind),
    "what notices a mutant": get_args(Notice),
    "steps of a kernel": get_args(StepKind),
    "columns of coverage": list(COLUMNS),
    "states of a capability": get_args(State),
    "where figures come from": get_args(Confidence),
    "what a plan says": get_args(PlanVerdict),
    "how applying ends": get_args(Ending),
    "what another kernel did to a function": get_args(Change),
    "kinds of frames": [kind.value for kind in FrameKind],
}


def words(text: str) -> set[str]:
    """The words that have a row."""
    rows = re.findall(r"(?m)^\| ([^|]+) \| [^|]+ \|$", text)
    return {word.strip() for row in rows for word in row.split(",")} - {"word", "---"}


@pytest.mark.parametrize("name", LISTS)
def test_every_word_of_a_list_is_explained(name: str) -> None:
    assert LISTS[name]
    assert set(LISTS[name]) - words(GLOSSARY) == set()


def test_what_is_in_italics_is_explained() -> None:
    plain = {"properties": "property", "gives up": "given up"}
    meant = set(re.findall(r"\*([a-z ]+)\*", GLOSSARY))
    found = {plain.get(word, word) for word in meant} - {"italics"}
    known = words(GLOSSARY)
    assert {word for word in found if not {word, word.removesuffix("s")} & known} == set()


def test_a_word_without_a_row_is_seen() -> None:
    assert "every step" not in words(GLOSSARY.replace("| every step |", "| other |"))
