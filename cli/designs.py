"""A design of one's own, from its file: read, run, and joined to the specification.

The file is Python, and is run as such (`authored`).
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .arguments import Once, file_name
from .authored import authored
from .names import find_profile, find_variant, system_of
from .output.streams import UsageError
from .systems import SystemFile, changed, system_from

if TYPE_CHECKING:
    from memhp.spec.designs import OwnDesign
    from memhp.spec.language import Profile, System

DEFAULT = "list-2004"


@dataclass(frozen=True)
class DesignFile:
    """A design, the file that it is from, and what names it in a trace: with the file's digest."""

    path: Path
    name: str
    own: OwnDesign


def chosen(args: Namespace) -> tuple[Profile, System]:
    """The profile that ``--profile`` names, or that of ``--design`` or ``--system``; its system.

    Raises:
        UsageError: there is no such profile, there is a mistake in the file, or two are given.
    """
    if own := system_from(args):
        return own.profile, own.system
    if (design := design_in(args)) is None:
        profile = find_profile(args.profile)
        return profile, system_of([profile])
    if args.profile != DEFAULT:
        raise UsageError("a design says itself with which profile it begins: leave --profile out")
    return design.own.profile, design.own.system


def add_design(parser: ArgumentParser) -> None:
    """Add ``--design``, the file of a design of one's own."""
    parser.add_argument(
        "--design",
        type=file_name,
        action=Once,
        metavar="FILE",
        help="a design of one's own, a Python file, which is run (memhp design new NAME)",
    )


def design_in(args: Namespace) -> DesignFile | None:
    """The design that ``--design`` names; None without one.

    Raises:
        UsageError: there is a mistake in it: in one line, with file and line.
    """
    return None if args.design is None else load_design(args.design)


def load_design(path: Path) -> DesignFile:
    """The design in a file, which is run.

    Raises:
        UsageError: there is a mistake in it: in one line, with file and line.
    """
    from memhp.spec.designs import own_design

    def made(module: ModuleType, content: bytes) -> DesignFile:
        name = f"{path.stem}@{sha256(content).hexdigest()[:12]}"
        return DesignFile(path, name, own_design(module, name=name))

    return authored(path, made)


def design_or_variant(args: Namespace) -> System:
    """The system that ``--design``, or ``--profile`` or ``--system`` and ``--variant`` name.

    Raises:
        UsageError: as `chosen`; or both a design and a variant are given, or there is no such one.
    """
    if mine := system_from(args):
        return changed(mine, args.variant)
    if args.variant is None:
        return chosen(args)[1]
    if args.design is not None:
        raise UsageError("--design is taken as it is: leave --variant out")
    return system_of([find_profile(args.profile), find_variant(args.variant)])


def system_in(design: DesignFile | None, own: SystemFile | None, name: str) -> System:
    """The system of the design or of one's own, of which a trace is that carries the name.

    Raises:
        UsageError: neither is given, or the trace is of another one.
    """
    if own or "@" in name.partition("+")[0]:
        return _own_in(own, name)
    file, _, digest = name.rpartition("+")[2].partition("@")
    if not digest:
        raise UsageError(f"the trace is of {name!r}, of no design: leave --design out")
    of = f"{file}.py with SHA-256 {digest}…"
    if design is None:
        raise UsageError(f"the trace is of the design {of}: give it with --design FILE")
    if name != design.own.system.name:
        its = design.name.partition("@")[2]
        raise UsageError(f"the trace is of the design {of}; {design.path} has {its}…")
    return design.own.system


def _own_in(own: SystemFile | None, name: str) -> System:
    system, _, variant = name.partition("+")
    if "@" not in system:
        raise UsageError(f"the trace is of {name!r}, of no system of one's own: leave --system out")
    if own is None:
        raise UsageError(f"the trace is of the system {system!r}: give it with --system FILE")
    if system != own.system.name:
        raise UsageError(f"the trace is of {system!r}; {own.path} is {own.system.name!r}")
    return changed(own, variant or None)
