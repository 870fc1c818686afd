"""Where a kernel's sources define functions, structures and macros, and a digest of their lines.

A small scanner, for the form that Linux's sources have: a definition begins at the left margin,
and a body whose brace is opened there is closed there.  It knows no preprocessor: of what stands
between `#if` and `#else` it sees each.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from memhp.checks.support.files import read_whole

from ..tools.errors import LabError

__all__ = ["Definition", "Tree", "defined_in", "read_tree", "recorded_tree", "version_of"]

FOLDERS = (
    "mm",
    "drivers/acpi",
    "drivers/base",
    "drivers/dax",
    "drivers/firmware",
    "drivers/of",
    "drivers/s390/char",
    "drivers/virtio",
    "fs",
    "fs/kernfs",
    "kernel",
    "kernel/rcu",
    "include/acpi",
    "include/asm-generic",
    "include/linux",
    "include/linux/sched",
    "arch/arm64/include/asm",
    "arch/arm64/mm",
    "arch/powerpc/include/asm",
    "arch/powerpc/mm",
    "arch/powerpc/platforms/pseries",
    "arch/s390/include/asm",
    "arch/s390/mm",
    "arch/x86/include/asm",
    "arch/x86/mm",
)
"""Where memory hotplug, and what it asks of others, is written."""
_MOST_FILES, _MOST_BYTES = 100_000, 8 << 20
_LONGEST = 4096
"""So many characters before a brace are looked at."""
_SCHEMA = "memhp-functions/1"


@dataclass(frozen=True)
class Definition:
    """Lines of a file, the first and the last, and the SHA-256 of them."""

    file: str
    first: int
    last: int
    digest: str

    def __str__(self) -> str:
        return f"{self.file}:{self.first}-{self.last}"


@dataclass(frozen=True)
class Tree:
    """What a tree of sources defines: of each name that was asked for, its definitions."""

    version: str
    definitions: Mapping[str, tuple[Definition, ...]]

    def to_json(self) -> dict[str, Any]:
        """The document of which `from_json` makes the tree."""
        return {
            "schema": _SCHEMA,
            "version": self.version,
            "definitions": {
                name: [asdict(each) for each in found] for name, found in self.definitions.items()
            },
        }

    @classmethod
    def from_json(cls, document: Any) -> Tree:
        """The tree that `to_json` wrote to the document."""
        found = {
            name: tuple(Definition(**each) for each in listed)
            for name, listed in document["definitions"].items()
        }
        return cls(document["version"], found)


def recorded_tree() -> Tree:
    """Memhp's own record of the tree that the specification was read from (`functions.json`)."""
    return Tree.from_json(json.loads((files(__package__) / "functions.json").read_text()))


# --- one file -----------------------------------------------------------------------------------

_SILENT = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*(?:"|\n|\Z)|'(?:\\.|[^'\\\n])*(?:'|\n|\Z)""",
    re.DOTALL,
)
"""Comments, strings and characters; what is not closed ends with its line."""
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_MACRO = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)")
_STRUCTURE = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\Z")
_SYSTEM_CALL = re.compile(r"\b(?:COMPAT_)?SYSCALL_DEFINE\d\s*\(\s*(\w+)")
_CALLED = re.compile(r"\b(\w+)\s*\(")
_WORD = re.compile(r"\w+")
_AT_THE_MARGIN = re.compile(r"^\S.*", re.MULTILINE)
"""A definition has its name in such a line."""


def defined_in(text: str, names: Collection[str]) -> Iterator[tuple[str, int, int]]:
    r"""What the text of a file defines of the names: each with its first line and its last.

    >>> list(defined_in("int one(void);\n\nstatic int\none(void)\n{\n\treturn 1;\n}\n", {"one"}))
    [('one', 3, 7)]
    """
    masked = _SILENT.sub(_blank, text)
    macros = [
        (match[1], directive.start(), directive.end())
        for directive in _DIRECTIVE.finditer(masked)
        if (match := _MACRO.match(directive[0])) and match[1] in names
    ]
    bodies = _bodies(_DIRECTIVE.sub(_blank, masked), names)
    ends = [match.start() for match in re.finditer("\n", text)]
    for name, start, end in sorted([*macros, *bodies], key=lambda each: each[1]):
        yield name, bisect_left(ends, start) + 1, bisect_left(ends, end) + 1


def _blank(match: re.Match[str]) -> str:
    """As many characters that say nothing, on the same lines."""
    return re.sub(r"[^\n]", " ", match[0])


def _bodies(masked: str, names: Collection[str]) -> Iterator[tuple[str, int, int]]:
    """Functions and structures: each name with where it starts, and where its body ends."""
    start = done = 0
    for match in re.finditer("[{};]", masked):
        if match.start() < done:
            continue
        if match[0] == "{":
            done = start_of_next = _end_of(masked, match.start())
            start = max(start, match.start() - _LONGEST)
            head = masked[start : match.start()]
            for name, at in _named_by(head, names):
                yield name, start + _first_of(head, at), done
            start = start_of_next
        else:
            start = match.end()


def _end_of(masked: str, brace: int) -> int:
    """Where the body ends whose opening brace stands there."""
    margin = masked.find("\n}", brace)
    margin = len(masked) if margin < 0 else margin + 2
    if brace == 0 or masked[brace - 1] == "\n":
        return margin
    depth = 0
    for match in re.compile("[{}]").finditer(masked, brace, margin):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return margin


def _named_by(head: str, names: Collection[str]) -> Iterator[tuple[str, int]]:
    """The name that is defined by what stands before a brace, and where in it."""
    if structure := _STRUCTURE.search(head):
        if structure[1] in names:
            yield structure[1], structure.start()
    elif call := _SYSTEM_CALL.search(head):
        if f"sys_{call[1]}" in names:
            yield f"sys_{call[1]}", call.start()
    else:
        for match in _CALLED.finditer(head):
            if match[1] in names:
                before = head[: match.start()]
                if before.count("(") == before.count(")"):
                    yield match[1], match.start()
                    return


def _first_of(head: str, at: int) -> int:
    """Where the paragraph of a head begins in which that position lies."""
    blank = max((match.end() for match in re.finditer(r"\n[ \t]*\n", head[:at])), default=0)
    return blank + len(head[blank:at]) - len(head[blank:at].lstrip())


# --- a tree -------------------------------------------------------------------------------------


def version_of(tree: Path) -> str:
    """The release that a tree of sources says it is.

    Raises:
        LabError: it is no such tree; the message says what is missing.
    """
    try:
        makefile = read_whole(tree / "Makefile", _MOST_BYTES, regular=True).decode("latin-1")
    except (OSError, ValueError) as error:
        raise LabError(f"{tree} is no tree of kernel sources: its Makefile: {error}") from None
    parts = dict(re.findall(r"(?m)^(VERSION|PATCHLEVEL|SUBLEVEL)[ \t]*=[ \t]*(\d{1,9})$", makefile))
    if len(parts) < 3:
        raise LabError(f"{tree} is no tree of kernel sources: its Makefile names no version")
    return f"{parts['VERSION']}.{parts['PATCHLEVEL']}.{parts['SUBLEVEL']}"


def read_tree(tree: Path, names: Collection[str], likely: Mapping[str, Collection[str]]) -> Tree:
    """What the tree defines of the names.

    Args:
        tree: a folder of kernel sources, with its Makefile.
        names: of functions, structures and macros.
        likely: files where a name is defined that several files define; "" are those of any name.

    Raises:
        LabError: it is no such tree, or it cannot be read.
    """
    version = version_of(tree)
    found: dict[str, list[Definition]] = {name: [] for name in sorted(names)}
    wanted = {*names, *(name.removeprefix("sys_") for name in names)}
    for path in _sources(tree):
        try:
            content = read_whole(tree / path, _MOST_BYTES, regular=True)
        except ValueError:
            continue  # a table of registers, or nothing to wait for
        except OSError as error:
            raise LabError(f"cannot read {tree / path}: {error.strerror}") from None
        text = content.decode("latin-1")
        if wanted.isdisjoint(_WORD.findall(" ".join(_AT_THE_MARGIN.findall(text)))):
            continue
        lines = content.split(b"\n")
        for name, first, last in defined_in(text, names):
            digest = sha256(b"\n".join(lines[first - 1 : last])).hexdigest()
            found[name].append(Definition(path, first, last, digest))
    return Tree(version, {name: _chosen(name, each, likely) for name, each in found.items()})


def _chosen(
    name: str, found: Iterable[Definition], likely: Mapping[str, Collection[str]]
) -> tuple[Definition, ...]:
    """The definitions in files that are likely; where there are none, all."""
    every = tuple(found)
    for files_of in (likely.get(name, ()), likely.get("", ())):
        if some := tuple(each for each in every if each.file in files_of):
            return some
    return every


def _sources(tree: Path) -> Iterator[str]:
    """The C files of the folders that are read, by their paths in the tree, in their order."""
    count = 0
    for folder in FOLDERS:
        for name in sorted(os.listdir(tree / folder) if (tree / folder).is_dir() else ()):
            if name.endswith((".c", ".h")):
                count += 1
                if count > _MOST_FILES:
                    raise LabError(f"{tree} has more than {_MOST_FILES} C files")
                yield f"{folder}/{name}"
