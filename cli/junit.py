"""What kernels have shown, as JUnit's XML: what most services of continuous integration read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .ktap import tests_of
from .output.streams import one_line

if TYPE_CHECKING:
    from memhp.lab.conform.results import Seen

__all__ = ["junit"]


def junit(kernels: Iterable[Seen]) -> str:
    """The text: a suite for each kernel, and in it a test for each operation and scenario."""
    root = Element("testsuites")
    for seen in kernels:
        tests = list(tests_of(seen))
        suite = SubElement(root, "testsuite", name=one_line(seen.kernel))
        suite.set("tests", str(len(tests)))
        suite.set("failures", str(sum(not test.agrees for test in tests)))
        suite.set("time", f"{seen.seconds:.1f}")
        properties = SubElement(suite, "properties")
        for name, value in (("version", one_line(seen.version)), ("seed", str(seen.seed))):
            SubElement(properties, "property", name=name, value=value)
        for test in tests:
            name = one_line(test.name)
            case = SubElement(suite, "testcase", classname=one_line(seen.kernel), name=name)
            case.set("time", f"{test.seconds:.1f}")
            if not test.agrees:
                SubElement(case, "failure", message=one_line(test.note) or "not as predicted")
    indent(root, " ")
    return tostring(root, encoding="unicode", xml_declaration=True)
