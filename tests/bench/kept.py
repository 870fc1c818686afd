"""What a long measurement has found so far: lines of JSON in a file, only ever added to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["keep", "kept"]


def kept(path: Path) -> list[dict[str, Any]]:
    """What is in the file, in its order; nothing where there is none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(path: Path, *found: Mapping[str, Any]) -> None:
    """Add lines to the file, and make it and its folder where there is none."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(each) + "\n" for each in found)
