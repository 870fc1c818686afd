"""A design of one's own, from its file: read, run, and joined to the specification.

The file is Python, and is run as such: its author is the user.  What goes wrong in it is told in
one line, with the file and the line.
"""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .arguments import Once, file_name
from .names import find_profile, find_variant, system_of
from .output.streams import UsageError, one_line

if TYPE_CHECKING:
    from memhp.spec.designs import OwnDesign
    from memhp.spec.language import Profile, System

DEFAULT = "list-2004"
_MOST = 1 << 20
"""A design is no larger, in bytes."""
_MOST_SAID = 300


@dataclass(frozen=True)
class DesignFile:
    """A design, the file that it is from, and what names it in a trace: with the file's digest."""

    path: Path
    name: str
    own: OwnDesign


def chosen(args: Namespace) -> tuple[Profile, System]:
    """The profile that ``--profile`` names, or the design of ``--design``, and its system.

    Raises:
        UsageError: there is no such profile, there is a mistake in the design, or both are given.
    """
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
    from memhp.spec.language import SpecificationError

    content = _read(path)
    module = ModuleType(str(path))
    module.__file__ = str(path)
    name = f"{path.stem}@{sha256(content).hexdigest()[:12]}"
    sys.modules[module.__name__] = module  # where what it declares is looked up
    sys.path.append(str(path.parent))  # last: no file there takes the place of a library
    try:
        exec(compile(content, str(path), "exec", dont_inherit=True), vars(module))
        return DesignFile(path, name, own_design(module, name=name))
    except SpecificationError as error:
        raise UsageError(_placed(path, str(error), module)) from None
    except SyntaxError as error:
        raise UsageError(f"{error.filename or path}:{error.lineno or 1}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        line = _line_in(path, error)
        raise UsageError(f"{path}:{line}: {_said(error)}") from None
    finally:
        sys.path.remove(str(path.parent))


def design_or_variant(args: Namespace) -> System:
    """The system that ``--design``, or ``--profile`` and ``--variant`` name.

    Raises:
        UsageError: as `chosen`; or both a design and a variant are given, or there is no such one.
    """
    if args.variant is None:
        return chosen(args)[1]
    if args.design is not None:
        raise UsageError("--design is taken as it is: leave --variant out")
    return system_of([find_profile(args.profile), find_variant(args.variant)])


def system_in(design: DesignFile | None, name: str) -> System:
    """The system of the design, of which a trace is that carries the name.

    Raises:
        UsageError: no design is given, or the trace is of another one.
    """
    file, _, digest = name.rpartition("+")[2].partition("@")
    if not digest:
        raise UsageError(f"the trace is of {name!r}, of no design: leave --design out")
    of = f"{file}.py with SHA-256 {digest}…"
    if design is None:
        raise UsageError(f"the trace is of the design {of}: give it with --design FILE")
    if name != design.own.system.name:
        own = design.name.partition("@")[2]
        raise UsageError(f"the trace is of the design {of}; {design.path} has {own}…")
    return design.own.system


def _read(path: Path) -> bytes:
    from memhp.checks.support.files import read_whole

    try:
        return read_whole(path, _MOST, regular=True)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def _placed(path: Path, message: str, module: ModuleType) -> str:
    """The message; where it has no place in the file, with the line of DESIGN, or the first."""
    if message.startswith(f"{path}:"):
        return message
    design = getattr(module, "DESIGN", None)
    where = getattr(design, "where", None)
    return f"{path}:{where.line if where else 1}: {message}"


def _line_in(path: Path, error: BaseException) -> int:
    """The last line of the file that was run before the error; 1 if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path) and frame.lineno]
    return lines[-1] if lines else 1


def _said(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {error}"[:_MOST_SAID])
