"""Files of Python that a user wrote, run: a design of one's own, or a whole system.

Their author is the user.  What goes wrong in one is told in one line, with the file and the line.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from .output.streams import UsageError, one_line

__all__ = ["authored"]

Made = TypeVar("Made")

_MOST = 1 << 20
"""A file is no larger, in bytes."""
_MOST_SAID = 300


def authored(path: Path, make: Callable[[ModuleType, bytes], Made]) -> Made:
    """What ``make`` makes of the file's module and its content; the module has been run.

    Raises:
        UsageError: there is a mistake in it: in one line, with file and line.
    """
    from memhp.spec.language import SpecificationError

    content = _read(path)
    module = ModuleType(str(path))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where what it declares is looked up
    sys.path.append(str(path.parent))  # last: no file there takes the place of a library
    try:
        exec(compile(content, str(path), "exec", dont_inherit=True), vars(module))
        return make(module, content)
    except SpecificationError as error:
        raise UsageError(_placed(path, error, module)) from None
    except SyntaxError as error:
        raise UsageError(f"{error.filename or path}:{error.lineno or 1}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path}:{_line_in(path, error)}: {_said(error)}") from None
    finally:
        sys.path.remove(str(path.parent))


def _read(path: Path) -> bytes:
    from memhp.checks.support.files import read_whole

    try:
        return read_whole(path, _MOST, regular=True)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def _placed(path: Path, error: Exception, module: ModuleType) -> str:
    """The message; where it has no place in the file, with the line of DESIGN, or of the call."""
    message = str(error)
    if message.startswith(f"{path}:"):
        return message
    where = getattr(getattr(module, "DESIGN", None), "where", None)
    return f"{path}:{where.line if where else _line_in(path, error)}: {message}"


def _line_in(path: Path, error: BaseException) -> int:
    """The last line of the file that was run before the error; 1 if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path) and frame.lineno]
    return lines[-1] if lines else 1


def _said(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {error}"[:_MOST_SAID])
