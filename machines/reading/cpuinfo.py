"""Which family of architectures wrote the text of `/proc/cpuinfo`, and its base page.

Source: show_cpuinfo of each arch/.
"""

from __future__ import annotations

import re

from memhp.spec.numbers.architectures import ARCHITECTURES

__all__ = ["FAMILIES", "family_in", "page_of"]

FAMILIES = tuple(dict.fromkeys(each.name.partition("-")[0] for each in ARCHITECTURES))
"""The names without their page sizes: x86_64, arm64, ppc64 and so on."""

_MARKS = {
    "x86_64": r"flags\s*:.*\blm\b",
    "s390x": r"vendor_id\s*: IBM/S390",
    "ppc64": r"(cpu\s*: POWER|platform\s*: (pSeries|PowerNV))",
    "arm64": r"CPU architecture\s*: (8|AArch64)",
    "riscv64": r"isa\s*: rv64",
    "ia64": r"arch\s*: IA-64",
}
"""A line of `/proc/cpuinfo` that no other architecture of these has."""


def family_in(cpuinfo: str) -> str | None:
    """The family that wrote the text of `/proc/cpuinfo`; None if its lines do not tell.

    >>> family_in("vendor_id       : IBM/S390\\n# processors    : 2\\n")
    's390x'
    """
    families = [name for name, mark in _MARKS.items() if re.search(f"(?m)^{mark}", cpuinfo)]
    return families[0] if len(families) == 1 else None


def page_of(cpuinfo: str | None) -> int | None:
    """The bytes of a base page, where the family has one size alone; None if it is not told.

    >>> page_of("vendor_id       : IBM/S390\\n"), page_of("CPU architecture: 8\\n")
    (4096, None)
    """
    family = None if cpuinfo is None else family_in(cpuinfo)
    pages = {each.page for each in ARCHITECTURES if each.name.partition("-")[0] == family}
    return pages.pop() if len(pages) == 1 else None
