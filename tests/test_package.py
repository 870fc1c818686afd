"""What an installation has."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {
        ".".join(("memhp", *path.relative_to(ROOT).parent.parts))
        for path in ROOT.glob("*/**/__init__.py")
        if path.relative_to(ROOT).parts[0] not in ("tests", ".venv", "build")
    }
    assert {*setuptools["packages"]} == {"memhp", *found}
