"""Imports go one way: the table in ARCHITECTURE.md says who may import whom, and is kept."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import networkx
import pytest

import memhp

ROOT = Path(memhp.__file__).parent
ROOMS = [
    place.parent
    for place in sorted(ROOT.glob("*/**/__init__.py"))
    if place.relative_to(ROOT).parts[0] not in ("tests", ".venv", "build")
]
EVERYTHING = "everything"
_CALLED = re.compile(r"(importlib\.)?(import_module|__import__)\('[^']*'.*\)")


def _room_of(folder: Path) -> str:
    return ".".join(folder.relative_to(ROOT).parts)


def _table() -> dict[str, set[str]]:
    """For each room of the table what it may import."""
    rows = re.findall(
        r"^\| `([a-z_/]+)/` \| ([^|]+) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )
    return {room.replace("/", "."): {*re.findall(r"[\w.]+", may)} for room, may in rows}


MAY = _table()


@cache
def _imports(source: str, package: str) -> list[tuple[int, str]]:
    """Every module that the source imports, late ones included, and the line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = f"memhp.{package}".split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [base])])
            for alias in node.names:
                inside = f"{base}.{alias.name}"
                found.append((node.lineno, inside if _is_module(inside) else base))
        elif isinstance(node, ast.Call) and _CALLED.fullmatch(ast.unparse(node)):
            found.append((node.lineno, ast.literal_eval(node.args[0])))
    return found


@cache
def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split(".")[1:])
    return name.startswith("memhp.") and (path.is_dir() or path.with_suffix(".py").is_file())


@cache
def _home(module: str) -> str:
    """The room of a module of memhp; of any other its first name."""
    first, *parts = module.split(".")
    if first != "memhp":
        return first
    path = ROOT.joinpath(*parts)
    return ".".join(parts if path.is_dir() else parts[:-1])


def wrong_imports(room: str, sources: Mapping[str, str]) -> list[str]:
    """The imports of a room that go against the table, each with both names."""
    may = MAY[room] | {room}
    found = []
    for name, source in sources.items():
        for line, module in _imports(source, room):
            home = _home(module)
            if home in may or home in sys.stdlib_module_names:
                continue
            if EVERYTHING not in may:
                found.append(f"{room}/{name}:{line} imports {module}, of {home or 'nowhere'}")
    return found


def _sources(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}


def test_every_room_is_in_the_table() -> None:
    assert {*MAY} == {_room_of(folder) for folder in ROOMS}


@pytest.mark.parametrize("folder", ROOMS, ids=_room_of)
def test_a_room_imports_what_the_table_lets_it(folder: Path) -> None:
    assert wrong_imports(_room_of(folder), _sources(folder)) == []


@pytest.mark.parametrize("folder", ROOMS, ids=_room_of)
def test_an_import_that_goes_back_is_found(folder: Path) -> None:
    room = _room_of(folder)
    if EVERYTHING in MAY[room]:
        return
    early = wrong_imports(room, {"planted.py": "from memhp.cli.main import main\n"})
    late = wrong_imports(room, {"planted.py": "def f():\n    import memhp.cli.main\n"})
    for other in ("import_module('memhp.cli.main')", "__import__('memhp.cli.main')"):
        assert wrong_imports(room, {"planted.py": f"{other}\n"}) == early
    assert wrong_imports(room, {"planted.py": "import memhp\nmemhp.cli.main.main()\n"})
    assert early == [f"{room}/planted.py:1 imports memhp.cli.main, of cli"]
    assert late == [f"{room}/planted.py:2 imports memhp.cli.main, of cli"]


def test_what_the_table_allows_is_needed_and_has_no_cycle() -> None:
    rooms = networkx.DiGraph()
    for folder in ROOMS:
        room = _room_of(folder)
        used = {
            _home(module)
            for source in _sources(folder).values()
            for _, module in _imports(source, room)
        }
        if EVERYTHING not in MAY[room]:
            assert (MAY[room] & {*MAY}) <= used, f"{room} does not need all that it may import"
        rooms.add_edges_from((room, other) for other in used & {*MAY} if other != room)
    assert networkx.is_directed_acyclic_graph(rooms)


def test_no_two_modules_import_each_other() -> None:
    modules = networkx.DiGraph()
    for folder in ROOMS:
        room = _room_of(folder)
        for name, source in _sources(folder).items():
            own = f"memhp.{room}" + ("" if name == "__init__.py" else f".{name[:-3]}")
            edges = ((own, module) for _, module in _imports(source, room) if module != own)
            modules.add_edges_from(edges)
    cycles = [part for part in networkx.strongly_connected_components(modules) if len(part) > 1]
    assert cycles == []


@pytest.mark.parametrize("folder", ROOMS, ids=_room_of)
def test_the_sign_of_a_room_names_all_that_is_inside(folder: Path) -> None:
    sign = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    inside = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    inside += [path.parent.name for path in folder.glob("*/__init__.py")]
    named = {*re.findall(r"\w+", sign)}
    assert [name for name in inside if name not in named] == []


@pytest.mark.parametrize("folder", ROOMS, ids=_room_of)
def test_the_sign_of_a_room_says_what_the_table_says(folder: Path) -> None:
    sign = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    said = re.search(r"^May import: ([^:]+)\.$", sign, re.MULTILINE)
    row = next(
        line
        for line in (ROOT / "ARCHITECTURE.md").read_text().splitlines()
        if line.startswith(f"| `{_room_of(folder).replace('.', '/')}/` |")
    )
    assert said
    assert " ".join(said[1].split()) == row.split(" | ")[1]
