"""Joining modules into one `System`: names are given, functions run, mistakes found."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

from .declare import Declared, Defined, Map
from .docstrings import docstring
from .syntax import Enumeration, Expr, Sort, complain
from .system import Property, System, Where
from .tracing import (
    trace_action,
    trace_axiom,
    trace_definition,
    trace_property,
    trace_variable,
)
from .wellformed import well_formed

__all__ = ["covers_rows", "declared_in", "load", "place_in", "traced"]


def load(
    name: str, modules: tuple[ModuleType, ...], *, rows: Collection[str] | None = None
) -> System:
    """The system that ``modules`` declare together, in that order.

    Args:
        rows: what properties may cover; None if they may name what they like.

    Raises:
        SpecificationError: for the first mistake, with module and line.
    """
    system = traced(name, declared_in(modules))
    well_formed(system)
    covers_rows(system.properties, rows)
    return system


def declared_in(modules: tuple[ModuleType, ...]) -> list[Any]:
    """What the modules declare, in order, each with its name.

    Raises:
        SpecificationError: a name is declared twice.
    """
    values: dict[str, Any] = {}
    for module in modules:
        source = _Source(module)
        for attribute, value in vars(module).items():
            if _is_declared_in(value, module):
                _claim_name(attribute, value, values, source)
    return list(values.values())


def place_in(module: ModuleType, value: Any) -> Where:
    """Where in the module a value is declared that `declared_in` found there."""
    return _Source(module).place(value)


def traced(name: str, values: list[Any]) -> System:
    """The system of those declarations alone; it need not be well formed.

    Raises:
        SpecificationError: for the first mistake in one of them, with module and line.
    """
    maps = [value for value in values if isinstance(value, Map)]
    declared = [value for value in values if isinstance(value, Declared)]
    definitions = {
        value.declared.name: trace_definition(value)
        for value in values
        if isinstance(value, Defined)
    }
    sorts = [value for value in values if isinstance(value, type) and issubclass(value, Expr)]
    return System(
        name=name,
        sorts=tuple(sort.ref for sort in sorts),
        sort_docs={sort.ref.name: docstring(sort) for sort in sorts},
        topology=tuple(value.symbol for value in maps if not value.is_state),
        variables=tuple(trace_variable(value) for value in maps if value.is_state),
        axioms=tuple(trace_axiom(d) for d in declared if d.role == "axiom"),
        definitions=definitions,
        actions=tuple(trace_action(d) for d in declared if d.role == "action"),
        properties=tuple(trace_property(d) for d in declared if d.role not in ("axiom", "action")),
        places={value.name: value.where for value in maps},
        topology_docs={value.name: value.doc for value in maps if not value.is_state},
    )


def covers_rows(claims: Iterable[Property], rows: Collection[str] | None) -> None:
    """Return if the properties cover nothing but those rows; None: they may name what they like.

    Raises:
        SpecificationError: one covers something else.
    """
    for claim in claims:
        for row in claim.covers:
            if rows is not None and row not in rows:
                there_are = ", ".join(sorted(rows))
                complain(
                    f"{claim.name} covers {row!r}, which is no row; there are: {there_are}",
                    claim.where,
                )


def _is_declared_in(value: object, module: ModuleType) -> bool:
    match value:
        case Map():
            return value.where.module == module.__name__
        case Declared():
            return value.where.module == module.__name__
        case Defined():
            return value.declared.where.module == module.__name__
        case type():
            proper = issubclass(value, Expr) and value not in (Expr, Sort, Enumeration)
            return proper and value.__module__ == module.__name__
    return False


class _Source:
    """What a module's text tells and Python forgets, read once."""

    def __init__(self, module: ModuleType) -> None:
        body = ast.parse(inspect.getsource(module)).body
        self._module = module.__name__
        self._lines = {each.name: each.lineno for each in body if isinstance(each, ast.ClassDef)}
        self.docs = dict(_doc_strings(body))
        """The string below each top-level assignment."""

    def place(self, value: Any) -> Where:
        """Where the declaration is."""
        if isinstance(value, type):
            return Where(self._module, self._lines.get(value.__name__, 0))
        place: Where = value.declared.where if isinstance(value, Defined) else value.where
        return place


def _doc_strings(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, below in pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.targets[0].id, inspect.cleandoc(text)


def _claim_name(attribute: str, value: Any, values: dict[str, Any], source: _Source) -> None:
    if attribute in values:
        complain(f"{attribute!r} is declared in two modules", source.place(value))
    if isinstance(value, Map):
        if value.name not in ("", attribute):
            complain(f"{value.name!r} has a second name, {attribute!r}", source.place(value))
        value.name, value.doc = attribute, source.docs.get(attribute, "")
    values[attribute] = value
