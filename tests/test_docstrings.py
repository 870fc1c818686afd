"""Docstrings are of one dialect, and functions and modules of a length that a reader can take.

A summary that ends in a period; then, where they apply, `Args:`, `Returns:`, `Yields:`, `Raises:`,
`Source:`, and an example.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import memhp

ROOT = Path(memhp.__file__).parent
PACKAGES = ("spec", "reference", "engine", "checks", "machines", "lab", "cli", "examples")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LINES, FUNCTION_LINES, PARAMETERS = 400, 50, 8
OTHERS = "Parameters|Params|Arguments|Return|Raise|Examples?|Notes?"
"""Sections of other dialects."""
FEW = 3
"""Of so many parameters the names may say enough."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def parameters(function: Function) -> list[str]:
    """Their names, but for the object or class itself."""
    names = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    return [each.arg for each in names if each.arg not in ("self", "cls")]


def public(node: ast.AST) -> Iterator[Definition]:
    """What is defined for others, but overloads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):
            yield from public(child)
        elif isinstance(child, Definition) and not child.name.startswith("_"):
            if not any("overload" in ast.unparse(each) for each in child.decorator_list):
                yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def raised(node: ast.AST, caught: frozenset[str] = frozenset()) -> Iterator[str]:
    """The exceptions that a function makes itself, and does not catch."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition | ast.Lambda):
            continue
        if isinstance(child, ast.Try):
            names = [ast.unparse(each.type) for each in child.handlers if each.type]
            inner = caught.union(re.findall(r"\w+", " ".join(names)))
            yield from raised(ast.Module(child.body, []), inner)
            for part in (*child.handlers, *child.orelse, *child.finalbody):
                yield from raised(ast.Module([part], []), caught)  # type: ignore[list-item]
            continue
        if isinstance(child, ast.Raise) and child.exc:
            made = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            name = ast.unparse(made).rpartition(".")[2]
            if name[:1].isupper() and name not in caught | {"NotImplementedError"}:
                yield name
        yield from raised(child, caught)


def section(docstring: str, name: str) -> list[str]:
    """What the section of that name lists."""
    match = re.search(rf"^{name}:\n((?:    .*\n?|\n)+)", f"{docstring}\n", re.MULTILINE)
    lists = re.findall(r"^    ([\w., *`]+):", match[1], re.MULTILINE) if match else []
    return [word for each in lists for word in re.findall(r"\w+", each)]


def complaints(source: str, *, needs_args: bool = True) -> Iterator[str]:
    """What is not of the dialect, with its line."""
    for definition in public(ast.parse(source)):
        where = f"{definition.lineno}: {definition.name}"
        docstring = ast.get_docstring(definition)
        if not docstring:
            yield f"{where} has no docstring"
            continue
        if docstring.partition("\n\n")[0].strip()[-1] not in ".:)":
            yield f"{where}: the first paragraph is no sentence"
        if wrong := re.findall(rf"^({OTHERS}):", docstring, re.MULTILINE):
            yield f"{where} has a section {wrong[0]}"
        if re.search(r"\bRaises [`A-Z]|^Args: ", docstring, re.MULTILINE):
            yield f"{where}: a section stands in a sentence"
        if isinstance(definition, ast.ClassDef):
            continue
        if missing := {*raised(definition)} - {*section(docstring, "Raises")}:
            yield f"{where} does not say that it raises {min(missing)}"
        args, names = section(docstring, "Args"), parameters(definition)
        others = [each.arg for each in (definition.args.vararg, definition.args.kwarg) if each]
        if gone := {*args} - {*names, *others}:
            yield f"{where} has no parameter {min(gone)}"
        if needs_args and len(names) > FEW and not args:
            yield f"{where} does not say what its {len(names)} parameters are"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_to_the_dialect_and_to_lengths(path: Path) -> None:
    source = path.read_text()
    # Parameters in a specification are elements of sorts.
    in_spec = path.relative_to(ROOT).parts[0] in ("spec", "examples")
    assert list(complaints(source, needs_args=not in_spec)) == []
    assert source.count("\n") <= LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"
            count = len(parameters(node))
            assert count <= PARAMETERS, f"{node.name} has {count} parameters"


@pytest.mark.parametrize(
    ("docstring", "complaint"),
    [
        ("", "has no docstring"),
        ("The number of blocks", "the first paragraph is no sentence"),
        ("A number.\n\n    Parameters: a.", "has a section Parameters"),
        ("A number.  Raises `ValueError`.", "a section stands in a sentence"),
        ("A number.", "does not say that it raises ValueError"),
        ("A number.\n\n    Raises:\n        KeyError: never.", "that it raises ValueError"),
        ("A number.\n\n    Args:\n        e: one.", "has no parameter e"),
        (
            "A number.\n\n    Raises:\n        ValueError: always.",
            "does not say what its 4 parameters are",
        ),
    ],
)
def test_what_is_not_of_the_dialect_is_found(docstring: str, complaint: str) -> None:
    source = f'def f(a, b, c, d):\n    """{docstring}"""\n    raise ValueError(a)\n'
    assert any(complaint in each for each in complaints(source))
    without_text = source.replace("ValueError(a)", "ValueError")
    assert [*complaints(without_text)] == [*complaints(source)]


def test_what_is_of_the_dialect_is_let_be() -> None:
    docstring = (
        "A number.\n\n    Args:\n        a: one.\n\n    Raises:\n        ValueError: always."
    )
    source = f'def f(a, b, c, d):\n    """{docstring}"""\n    raise ValueError(a)\n'
    assert list(complaints(source)) == []
