"""Small modules of a specification, written in the tests and imported from a file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from memhp.spec.language import System, load

HEAD = '''\
"""A module."""
from __future__ import annotations
from memhp.spec.language import *
'''

BASE = '''
class Block(Sort):
    """A block."""

class Frame(Sort):
    """A frame."""

class Mode(Enumeration):
    """What a block is."""
    off: Mode
    on: Mode

block_of = topology(Frame, Block)
"""The frame's block."""

mode = variable(Block, Mode, initial=lambda b: Mode.off)
"""The block's mode."""

free = variable(Frame, Bool, initial=lambda f: false)
"""Nobody has the frame."""
'''

Write = Callable[..., ModuleType]
Load = Callable[..., System]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """``write(text, name)``: the module of that name whose text is the base and ``text``."""

    def made(text: str, name: str = "tiny", base: str = BASE) -> ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD + base + dedent(text))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return made


@pytest.fixture
def loaded(write: Write) -> Load:
    """``loaded(text)``: the system that the base and ``text`` declare."""
    return lambda text="": load("tiny", (write(text),))


@pytest.fixture
def line_of_mark(tmp_path: Path) -> Callable[..., int]:
    """The number of the line that is marked ``# here``."""

    def line(name: str = "tiny") -> int:
        lines = (tmp_path / f"{name}.py").read_text().splitlines()
        return next(number for number, text in enumerate(lines, 1) if text.endswith("# here"))

    return line
