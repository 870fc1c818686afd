"""Docstrings, which say in words what a specification states: kept under ``python -OO``, too."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any

__all__ = ["docstring"]


def docstring(declared: Callable[..., Any]) -> str:
    """The docstring of a function or class, from its source if Python dropped it; "" if none."""
    return inspect.getdoc(declared) or _in_source(declared)


def _in_source(declared: Callable[..., Any]) -> str:
    try:
        (statement, *_) = ast.parse(dedent(inspect.getsource(declared))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # made without a file, or a lambda
        return ""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return ast.get_docstring(statement) or ""
    return ""
