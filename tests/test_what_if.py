"""docs/what-if.md: what it shows of the example is there, and its other code runs."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from memhp.cli.designs import load_design

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "what-if.md").read_text()
EXAMPLE = (ROOT / "examples" / "designs" / "pgdat_relocated.py").read_text()
HEAD = '''"""At most a quarter."""
from errno import EBUSY
from memhp.spec.blocks.block_states import BlockState, block_state
from memhp.spec.language import *
from memhp.spec.machine.topology import Block
'''
LAST = 'DESIGN = Design(edits=(ExtendAction("begin_offline", _of_the_quarter),))\n'


def blocks(text: str) -> list[str]:
    """Its pieces of Python, without the indentation of lists; those that run, begin with a mark."""
    found = re.findall(r"(?ms)^ *(<!-- runs -->\n *)?```python\n(.*?)^ *```$", text)
    return [mark.strip() + dedent(code) for mark, code in found]


def test_what_is_shown_of_the_example_is_in_it() -> None:
    shown = [block for block in blocks(TEXT) if not block.startswith("<!--")]
    assert len(shown) == 4
    whole = dedent(EXAMPLE)
    assert [block for block in shown if block.strip() not in _plain(whole)] == []


def _plain(text: str) -> str:
    """The text, and once more without the indentation of functions."""
    return text + re.sub(r"(?m)^    ", "", text)


def test_the_quarter_is_a_design(tmp_path: Path) -> None:
    (block,) = (each for each in blocks(TEXT) if each.startswith("<!-- runs -->"))
    path = tmp_path / "quarter.py"
    path.write_text(HEAD + block.removeprefix("<!-- runs -->") + LAST)
    system = load_design(path).own.system
    assert "what_leaves_is_of_the_quarter" in system.property_by_name
    assert "of_the_quarter" in [g.name for g in system.action_by_name["begin_offline"].guards]


def test_every_example_is_named() -> None:
    files = {path.stem for path in (ROOT / "examples" / "designs").glob("*.py")} - {"__init__"}
    assert files == set(re.findall(r"(?m)^\| `(\w+)` \|", TEXT))
