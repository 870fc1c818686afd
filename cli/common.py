"""What the sub-commands share: choosing a system, complaining, and showing traces."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output.streams import USAGE, one_line, quoted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from memhp.reference import Machine, Step
    from memhp.spec.language import Profile, System, Variant

NOBODY_READS = 141
"""The exit code of work that ends early since nobody reads on, as a shell tells it."""


class UsageError(Exception):
    """Something the user gave cannot be used; the message is one line and says what to do."""


def at_least_one(text: str) -> int:
    """An argument that counts something; argparse says so when it does not."""
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of at least 1")
    return int(text)


def processes(text: str) -> int:
    """An argument that says how many processes or threads; argparse says so when it is none."""
    if at_least_one(text) > _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text} are too many: {_MOST_PROCESSES} at most")
    return int(text)


def file_name(text: str) -> Path:
    """An argument that names a file or folder; argparse says so when it is empty."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name names no file")
    return Path(text)


def number_of_seconds(text: str) -> float:
    """An argument that is a time; argparse says so when it is none."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not float(text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of seconds")
    return float(text)


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--limit``, for how long a user's target may take (`memhp.checks.fuzz.isolated`)."""
    parser.add_argument(
        "--limit",
        type=number_of_seconds,
        metavar="SECONDS",
        help="how long a class may take for an operation (300)",
    )


_MOST_PROCESSES = 4096
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def number_of_bytes(text: str) -> int:
    """An argument such as 64MiB, 64M or 67108864; argparse says so when it is none."""
    match = re.fullmatch(r"([0-9]{1,20})(?:([KMGTP])(?:iB)?)?", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a size such as 64MiB or 1PiB")
    return int(match[1]) << (10 * ("KMGTP".index(match[2]) + 1) if match[2] else 0)


def in_units(number: int) -> str:
    """That many bytes, in the largest unit that leaves at least one, or 1024 when rounded.

    >>> in_units(3 << 19), in_units((1 << 30) - 1)
    ('1.5 MiB', '1 GiB')
    """
    for power in range(len(_UNITS), 0, -1):
        if number * 2048 >= 2047 << 10 * power:
            return f"{number / (1 << 10 * power):.4g} {_UNITS[power - 1]}"
    return f"{number} bytes"


def choose(what: str, name: str, known: Iterable[str]) -> str:
    """``name`` if it is known; otherwise a `UsageError` that suggests the closest."""
    names = list(known)
    if name in names:
        return name
    close = get_close_matches(name, names, n=1)
    some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    hint = f"did you mean {close[0]}?" if close else f"there are: {some}"
    raise UsageError(f"there is no {what} {name!r}; {hint}")


def properties_named(names: Iterable[str], system: System) -> set[str]:
    """The properties of those names or rows, in capitals or not.  Raises `UsageError`."""
    from memhp.spec.rows import ROWS

    chosen: set[str] = set()
    for name in names:
        row, own = name.upper(), name.lower()
        if own in system.property_by_name:
            chosen.add(own)
        elif row in system.rows:
            chosen |= {claim.name for claim in system.properties if row in claim.covers}
        elif row in (each.id for each in ROWS):
            raise UsageError(f"no property says row {row}: see memhp explain {row}")
        elif re.fullmatch("[A-Z][0-9]{1,3}", row):
            raise UsageError(f"there is no row {name}; there are: {', '.join(system.rows)}")
        else:
            choose("property or row", name, [*system.property_by_name, *system.rows])
    return chosen


class Once(argparse.Action):
    """Store an option's value; a second one is a mistake, not the one that counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} is given twice: give it once")
        setattr(namespace, self.dest, values)


def find_variant(name: str) -> Variant:
    """The variant of that name.  Raises `UsageError`."""
    from memhp.spec.variants import VARIANTS

    by_name = {variant.name: variant for variant in VARIANTS}
    return by_name[choose("variant", name, by_name)]


def find_profile(name: str) -> Profile:
    """The profile of that name.  Raises `UsageError`."""
    from memhp.spec.profiles import PROFILES

    by_name = {profile.name: profile for profile in PROFILES}
    return by_name[choose("profile", name, by_name)]


def system_of(changes: Iterable[Profile | Variant]) -> System:
    """The specification with profile and variant applied, in that order."""
    from memhp.spec.language import apply
    from memhp.spec.system import SYSTEM

    system = SYSTEM
    for change in changes:
        if change.edits:
            system = apply(system, change)
    return system


def system_named(name: str) -> System:
    """The system whose name a trace carries, such as ``memhp+pgdat-goes-early``."""
    from memhp.spec.profiles import PROFILES
    from memhp.spec.system import SYSTEM
    from memhp.spec.variants import VARIANTS

    base, *changes = name.split("+")
    by_name: dict[str, Profile | Variant] = {c.name: c for c in (*PROFILES, *VARIANTS)}
    if base != SYSTEM.name:
        raise UsageError(f"the trace is of system {name!r}, not of {SYSTEM.name!r}")
    return system_of(by_name[choose("variant or profile", c, by_name)] for c in changes)


def print_step(system: System, number: int, step: Step, before: Machine, after: Machine) -> None:
    """Print a step of a trace as a reader writes it, and only what it changed."""
    from memhp.reference import diff
    from memhp.reference.outcome import shown

    params = system.action_by_name[step.action].params
    print(one_line(f"{number:3} {shown(step.action, params, step.params)}"))
    for change in diff(before, after):
        print(one_line(f"     {change}"))


def console() -> Console:
    """Where tables go: as wide as the terminal, or as wide as they need when piped.

    Nothing is markup, and nothing foreign steers the terminal.
    """
    from .output.tables import Quoting

    return Quoting() if sys.stdout.isatty() else Quoting(width=200)


def coloured(text: str, style: str) -> Text:
    """A cell, or a part of one, in a style such as *red* or *bold*."""
    from rich.text import Text

    return Text(quoted(text), style)


def beside(*parts: str | Text) -> Text:
    """A cell of several parts, with a blank between."""
    from rich.text import Text

    texts = (part if isinstance(part, Text) else Text(quoted(part)) for part in parts)
    return Text(" ").join(texts)


def say(out: Console, line: str) -> None:
    """Print a sentence: wrapped between words on a terminal, one line when piped."""
    out.print(one_line(line), soft_wrap=not out.is_terminal)


def nobody_reads() -> bool:
    """Whether what is printed goes nowhere, so that work for it alone is in vain."""
    sys.stdout.flush()
    return getattr(sys.stdout, "error", None) is not None


def free_path(path: Path) -> Path:
    """The path, or where there is such a file: with the first number that is free."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 1000))
    return next((each for each in (path, *numbered) if not each.exists()), path)


def write_json(path: Path, document: Any) -> None:
    """Write the whole file or nothing.  Raises `UsageError` if it cannot be written."""
    write_file(path, json.dumps(document, indent=1) + "\n")


def write_file(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write the whole file or nothing, ``private`` for this user alone.

    Raises `UsageError` if it cannot be written.
    """
    from memhp.checks.support.files import write_whole

    try:
        write_whole(path, content, private=private)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def fail(command: str, error: Exception) -> int:
    """Say what was wrong with the user's input; returns the exit code for that."""
    print(f"memhp {command}: {one_line(str(error))}", file=sys.stderr)
    return USAGE
