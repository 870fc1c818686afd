"""Faults to plant in the checker: a change of one function's text, and the test that notices it.

The faults are in the modules `faults_in_…`.  Whoever changes a function that one of
them names finds there which test watches it, and plants the fault anew in the new text.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

import pytest

__all__ = ["Fault"]


@dataclass(frozen=True)
class Fault:
    """What the checker does wrongly: in ``where``, the text ``old`` becomes ``new``.

    ``noticed_by`` is a test that passes, and with the fault fails.
    """

    what: str
    where: Any
    old: str
    new: str
    noticed_by: Callable[..., None]

    def __str__(self) -> str:
        return self.what

    @property
    def module(self) -> str:
        """The module in which it is planted."""
        return _function(self.where).__module__.rpartition(".")[2]

    def plant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the function run the changed text, whoever has imported it."""
        function = _function(self.where)
        text = textwrap.dedent(inspect.getsource(function))
        assert text.count(self.old) == 1, f"plant it anew: {self.what}"
        names: dict[str, Any] = {}
        changed = "from __future__ import annotations\n" + text.replace(self.old, self.new)
        exec(compile(changed, f"<{self.what}>", "exec"), function.__globals__, names)
        code = _function(names[function.__name__]).__code__
        unknown = {*_globals_of(code)} - function.__globals__.keys() - vars(builtins).keys()
        assert not unknown, f"any test would notice {self.what}: it names {unknown}"
        monkeypatch.setattr(function, "__code__", code)


def _globals_of(code: CodeType) -> Iterator[str]:
    """The names that the code looks up outside itself, be it in the functions within it."""
    for each in dis.get_instructions(code):
        if each.opname == "LOAD_GLOBAL":
            yield each.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals_of(inner)


def _function(attribute: Any) -> FunctionType:
    """The function behind a method, a property or a cache."""
    if isinstance(attribute, property):
        attribute = attribute.fget
    if isinstance(attribute, cached_property):
        attribute = attribute.func
    function = inspect.unwrap(attribute)
    assert isinstance(function, FunctionType)
    return function
