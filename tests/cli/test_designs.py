"""Designs of one's own: what is said of them, of mistakes in them, and of the five examples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
import memhp.examples.designs

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "design.json").read_text())
EXAMPLES = Path(memhp.examples.designs.__file__).parent
HEAD = '''"""It is otherwise."""
from errno import EBUSY
from memhp.spec.blocks.block_states import block_state, frame_state, zone
from memhp.spec.blocks.blocks import lock_held
from memhp.spec.language import *
from memhp.spec.machine.topology import Block, Frame, Node, Zone, block_of, hole, node_of
'''

Run = Callable[..., tuple[int, str, str]]
Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """``written(text)``: the file of a design."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(HEAD + text)
        return path

    return write


def document(output: str) -> Any:
    found = json.loads(output)
    jsonschema.validate(found, SCHEMA)
    return found


EXPECTED = {
    "kernel_in_a_hurry": ("refuted", ["new alloc_kernel"], 4, 0),
    "pgdat_relocated": ("holds", ["new relocate_pgdat"], 0, 3),
    "cache_freed_early": ("holds", ["new free_cache_entry"], 0, 3),
    "kernel_reserve": ("holds", ["refused alloc_folio"], 0, 2),
    "budget_in_bytes": ("holds", ["refused copy"], 0, 2),
}
"""Of each example its verdict, what it changes, how many properties break, and how many are new."""


def test_every_example_is_expected() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"__init__"} == {*EXPECTED}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_has_the_verdict_that_is_expected(run: Run, name: str) -> None:
    verdict, changes, broken, new = EXPECTED[name]
    code, output, _ = run("check", "--design", EXAMPLES / f"{name}.py", "--json")
    found = document(output)
    assert (found["verdict"], len(found["broken"]), len(found["new"])) == (verdict, broken, new)
    assert [f"{each['kind']} {each['action']}" for each in found["differences"]] == changes
    assert code == (1 if broken else 0)
    assert [found["not_proved"], found["vacuous"], found["nothing_changes"]] == [[], [], False]


def test_the_answer_to_a_wrong_design_has_all_its_parts(run: Run, tmp_path: Path) -> None:
    path, trace = EXAMPLES / "kernel_in_a_hurry.py", tmp_path / "trace.itf.json"
    wrong = "removable_blocks_hold_no_unmovable_frame"
    words = ("check", "--design", path, "--only", wrong, "--trace", trace)
    code, output, _ = run(*words)
    assert code == 1
    parts = re.findall(r"^(what [^\n]+)$", output, re.MULTILINE)
    assert [part.split(",")[0] for part in parts] == [
        "what it changes",
        "what breaks",
        "what is not proved",
        "what is vacuous now",
        "what holds",
    ]
    assert "new: alloc_kernel(f=" in output
    assert "it was refused, ENOMEM the kernel takes no memory from the movable zone" in output
    assert f"violated: {wrong}(" in output
    code, output, _ = run("replay", trace, "--design", path)
    assert (code, "violated: removable_blocks" in output) == (1, True)


def test_a_trace_names_its_design_and_replays_with_no_other(
    run: Run, tmp_path: Path, written: Written
) -> None:
    path, trace = EXAMPLES / "kernel_in_a_hurry.py", tmp_path / "trace.itf.json"
    only = ("--only", "removable_blocks_hold_no_unmovable_frame")
    run("check", "--design", path, *only, "--trace", trace)
    code, _, error = run("replay", trace)
    assert code == 2
    assert "is of the design kernel_in_a_hurry.py with SHA-256" in error
    assert "give it with --design FILE" in error
    code, _, error = run("replay", trace, "--design", written("DESIGN = Design()\n"))
    assert (code, "mine.py has " in error) == (2, True)


def test_a_design_is_explained_explored_and_led_by_hand(run: Run, tmp_path: Path) -> None:
    path = EXAMPLES / "pgdat_relocated.py"
    code, output, _ = run("explain", "relocate_pgdat", "--design", path)
    assert (code, f"{path}:" in output) == (0, True)
    words = ("--actions", "relocate_pgdat", "--count", "--scope", "block=2", "-q")
    code, output, _ = run("explore", "--design", path, *words)
    assert (code, " states, " in output) == (0, True)
    commands = tmp_path / "commands"
    commands.write_text("relocate_pgdat(node0, section1)\n")
    code, output, _ = run("step", "--design", path, "--input", commands)
    assert (code, "pgdat_section[node0]: section0 -> section1" in output) == (0, True)
    words = ("--scope", "block=1", "--depth", "1", "--only", "the_pgdat_stays_on_its_node")
    code, output, _ = run("check", "--design", path, *words)
    assert (code, "to depth 1" in output) == (0, True)


def test_a_new_design_is_one_to_begin_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("design", "new", "mine")[0] == 0
    assert run("explain", "begin_offline", "--design", "mine.py")[0] == 0
    assert run("design", "new", "mine")[::2] == (
        2,
        "memhp design: mine.py is there already: take another name\n",
    )
    assert run("design", "new", "no/name")[0] == 2


MISTAKES = {
    "no design": ("\n", 1, "it has no DESIGN = Design(…), which says what it changes"),
    "a word that is none": ("DESIGN = Desing()\n", 7, "NameError: name 'Desing' is not defined"),
    "no Python": ("def f(:\n", 7, "invalid syntax"),
    "an import of nothing": ("import nowhere_at_all\n", 7, "No module named 'nowhere_at_all'"),
    "an exception": ("x = 1 / 0\n", 7, "ZeroDivisionError: division by zero"),
    "an end of the program": ("raise SystemExit(0)\n", 7, "SystemExit"),
    "an unknown guard": (
        'DESIGN = Design(edits=(DropGuard("begin_offline", "no_hole"),))\n',
        7,
        "begin_offline has no guard 'no_hole'; its guards are: device_hotplug_lock",
    ),
    "an unknown action": (
        'DESIGN = Design(edits=(DropAction("begin_ofline"),))\n',
        7,
        "there is no action 'begin_ofline'",
    ),
    "an unknown variable": (
        'DESIGN = Design(edits=(DropUpdate("begin_offline", "zone"),))\n',
        7,
        "begin_offline does not change zone",
    ),
    "an unknown profile": ('DESIGN = Design(profile="linux-1.0")\n', 7, "no profile 'linux-1.0'"),
    "an unknown property given up": (
        'DESIGN = Design(gives_up=(("no_such_claim", "why"),))\n',
        7,
        "there is no property 'no_such_claim' to give up",
    ),
    "one edit that is no tuple": (
        'DESIGN = Design(edits=DropAction("begin_offline"))\n',
        7,
        "its edits are no tuple: write edits=(edit,)",
    ),
    "a wrong sort": (
        "def f(b: Block) -> Bool:\n    return zone[b] == node_of[b]\n"
        'DESIGN = Design(edits=(ReplaceGuard("begin_offline", "no_holes", f),))\n',
        8,
        "node_of[b] has sort Node; sort Zone was expected",
    ),
    "parameters of another sort": (
        "def f(n: Node) -> Bool:\n    return true\n"
        'DESIGN = Design(edits=(ReplaceGuard("begin_offline", "no_holes", f),))\n',
        7,
        "parameters must be ['Block']",
    ),
    "a claim without words": (
        "@always()\ndef claim(b: Block) -> Bool:\n    return lock_held[b]\nDESIGN = Design()\n",
        7,
        "property 'claim' has no docstring that says it in words",
    ),
    "recursion": (
        "@definition\ndef again(b: Block) -> Bool:\n    return again(b)\nDESIGN = Design()\n",
        7,
        "definition again uses itself",
    ),
    "an update made twice": (
        '@action\ndef go(b: Block) -> None:\n    """Go."""\n    lock_held[b] = true\n'
        "    lock_held[b] = false\nDESIGN = Design()\n",
        11,
        "lock_held is updated twice at one point",
    ),
    "an update that is there already": (
        "def more(b: Block) -> None:\n    lock_held[b] = false\n"
        'DESIGN = Design(edits=(ExtendAction("begin_offline", more),))\n',
        8,
        "begin_offline updates lock_held at that point already",
    ),
    "a count in an update": (
        "counted = variable(Block, Int, initial=lambda b: Int.of(0))\n"
        '@action\ndef go(b: Block) -> None:\n    """Go."""\n'
        "    counted[b] = count(Frame, lambda f: block_of(f) == b)\nDESIGN = Design()\n",
        11,
        "count() stands alone: only `counter == count(...)`, @always",
    ),
    "a name that is taken": (
        "hole = variable(Frame, Bool, initial=lambda f: false)\nDESIGN = Design()\n",
        7,
        "'hole' is declared already",
    ),
    "a truth value that is none yet": (
        "@always()\ndef claim(b: Block) -> Bool:\n"
        '    """Says so."""\n    return lock_held[b] and true\nDESIGN = Design()\n',
        10,
        "a term has no truth value while it is written",
    ),
    "an axiom about state": (
        "@axiom\ndef fact(b: Block) -> Bool:\n"
        '    """Says so."""\n    return lock_held[b]\nDESIGN = Design()\n',
        7,
        "axiom fact reads lock_held, which is state",
    ),
    "a row that is none": (
        '@always(covers="Z9")\ndef claim(b: Block) -> Bool:\n    """Says so."""\n'
        "    return true\nDESIGN = Design()\n",
        7,
        "claim covers 'Z9', which is no row",
    ),
    "topology that is written": (
        '@action\ndef go(f: Frame) -> None:\n    """Go."""\n    hole[f] = true\n'
        "DESIGN = Design()\n",
        10,
        "hole is topology: no action may change it",
    ),
    "an action that a property names": (
        'DESIGN = Design(edits=(DropAction("reserve_destination"),))\n',
        7,
        "draining_ends: there is no action 'reserve_destination'",
    ),
}


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line_with_its_place(
    run: Run, written: Written, text: str, line: int, message: str
) -> None:
    path = written(text)
    code, output, error = run("explain", "begin_offline", "--design", path)
    assert (code, output, error.count("\n")) == (2, "", 1)
    assert re.match(rf"memhp explain: {re.escape(str(path))}:{line}: ", error)
    assert message in error


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe\x00", "mine.py:1: "), (b"#" * (2 << 20), "it is larger than")],
)
def test_a_file_that_is_no_design_is_refused(
    run: Run, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "mine.py").write_bytes(content)
    code, _, error = run("check", "--design", tmp_path / "mine.py")
    assert (code, error.count("\n"), message in error) == (2, 1, True)
    assert run("check", "--design", tmp_path)[0] == 2
    assert run("check", "--design", tmp_path / "nothing.py")[0] == 2


def test_options_that_do_not_go_together_are_refused(run: Run, written: Written) -> None:
    path = written("DESIGN = Design()\n")
    for words in (
        ("check", "--profile", "linux-6.12"),
        ("check", "--variant", "pgdat-goes-early"),
        ("explore", "--variant", "pgdat-goes-early"),
        ("step", "--variant", "pgdat-goes-early"),
        ("step", "--profile", "linux-6.12"),
        ("fuzz", "--profile", "linux-6.12"),
        ("check", "--mutants", "--kind", "order"),
    ):
        code, output, error = run(*words, "--design", path)
        assert (code, output, error.count("\n")) == (2, "", 1), words
