"""What an installation has."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_package_is_installed() -> None:
    found = {
        ".".join(("memhp", *path.relative_to(ROOT).parent.parts))
        for path in ROOT.glob("*/**/__init__.py")
        if path.relative_to(ROOT).parts[0] not in ("tests", ".venv", "build")
    }
    assert {*SETUPTOOLS["packages"]} == {"memhp", *found}


def test_every_file_that_belongs_to_a_package_is_installed() -> None:
    everywhere = SETUPTOOLS["package-data"]["*"]
    folders = {ROOT.joinpath(*name.split(".")[1:]): name for name in SETUPTOOLS["packages"]}
    missing = []
    for path in (each for folder in folders if folder != ROOT for each in folder.rglob("*.*")):
        home = next(above for above in path.parents if above in folders)
        patterns = (*everywhere, *SETUPTOOLS["package-data"].get(folders[home], ()))
        installed = {each for pattern in patterns for each in home.glob(pattern)}
        if path.suffix not in (".py", ".pyc") and path not in installed:
            missing.append(path.relative_to(ROOT).as_posix())
    assert missing == []


def test_every_line_on_files_finds_some() -> None:
    for name, patterns in SETUPTOOLS["package-data"].items():
        folder = ROOT.joinpath(*name.split(".")[1:])
        assert [each for each in patterns if not any(folder.glob(each))] == []
