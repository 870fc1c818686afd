"""StrictDoc's form of requirements: a document of its own grammar, sections by row and module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["sdoc"]

_FIELDS = (
    ("UID", True),
    ("KIND", True),
    ("MODULE", True),
    ("STATEMENT", True),
    ("FUNCTIONS", False),
    ("PROOF", False),
    ("REFUTED", False),
    ("SCENARIOS", False),
    ("KERNELS", False),
)
"""What a requirement has, in StrictDoc's order, and whether each has it."""
_ROLE = "is there for"


def sdoc(document: Mapping[str, Any]) -> str:
    """The text of an .sdoc file.

    Args:
        document: that of schema ``memhp-requirements/1``.
    """
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "[DOCUMENT]",
        "TITLE: Requirements on memory hotplug",
        f"VERSION: digests of Linux {document['tree']['version']}",
        "OPTIONS:",
        "  MARKUP: Text",
        "  VIEW_STYLE: Table",
        "",
        "[GRAMMAR]",
        "ELEMENTS:",
        "- TAG: SECTION",
        "  PROPERTIES:",
        "    IS_COMPOSITE: True",
        "  FIELDS:",
        "  - TITLE: TITLE",
        "    TYPE: String",
        "    REQUIRED: True",
        "- TAG: REQUIREMENT",
        "  FIELDS:",
    )
    for title, required in _FIELDS:
        yield from (f"  - TITLE: {title}", "    TYPE: String", f"    REQUIRED: {required}")
    yield from ("  RELATIONS:", "  - TYPE: Parent", f"    ROLE: {_ROLE}")
    modules = dict.fromkeys(each["module"] for each in document["requirements"])
    for module in modules:
        mine = [each for each in document["requirements"] if each["module"] == module]
        yield from ("", "[[SECTION]]", f"TITLE: {module}")
        for each in mine:
            yield from _requirement(each, document["functions"])
        yield from ("", "[[/SECTION]]")


def _requirement(
    it: Mapping[str, Any], functions: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[str]:
    yield from ("", "[REQUIREMENT]", f"UID: {it['id']}", f"KIND: {it['kind']}")
    yield f"MODULE: {it['module']}"
    yield from _field("STATEMENT", [it["sentence"]])
    yield from _field("FUNCTIONS", [_function(name, functions) for name in it["functions"]])
    if proof := it["proof"]:
        parts = [proof["verdict"], proof["method"], proof["scope"]]
        yield from _field("PROOF", [", ".join(part for part in parts if part)])
    yield from _field("REFUTED", it["refuted"])
    yield from _field("SCENARIOS", [_scenario(each) for each in it["scenarios"]])
    yield from _field("KERNELS", it["kernels"])
    if it["parents"]:
        yield "RELATIONS:"
        for parent in it["parents"]:
            yield from ("- TYPE: Parent", f"  VALUE: {parent}", f"  ROLE: {_ROLE}")


def _field(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from (f"{title}: >>>", *lines, "<<<")


def _function(name: str, functions: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    places = [
        f"{each['file']}:{each['first']}-{each['last']} sha256:{each['digest']}"
        for each in functions[name]
    ]
    return f"{name} {', '.join(places) or 'not found'}"


def _scenario(it: Mapping[str, Any]) -> str:
    notes = [
        "as the rows ask" if not it["deviates"] else "Linux does otherwise",
        "all agree" if it["agrees"] else "not all agree",
        *(["held against earlier rules"] if it["earlier_rules"] else []),
    ]
    return f"{it['name']}: {', '.join(notes)}"
