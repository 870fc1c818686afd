"""Systems of one's own: what commands say of them, and of mistakes in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import memhp.examples

EXAMPLES = Path(memhp.examples.__file__).parent
LOCK, LAST = EXAMPLES / "lock_service.py", EXAMPLES / "last_block.py"
EXPECTED = re.findall(
    r"(?m)^    (\w+) (\S+) +(.+ states, .+ transitions, depth \d+)$", memhp.examples.__doc__ or ""
)
HEAD = '''"""A system."""
from memhp.spec.language import *

class Block(Sort):
    """A block."""

on = variable(Block, Bool, initial=lambda b: false)
"""It is on."""

'''
GO = '''
@action
def go(b: Block) -> None:
    """Go."""
    guard("off", ~on[b], why="it is on")
    on[b] = true
'''
NEVER = '''
@always()
def never_two(b: Block, c: Block) -> Bool:
    """No two are on."""
    return implies(on[b] & on[c], b == c)
'''

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(("name", "scope", "says"), EXPECTED)
def test_an_example_has_the_states_that_are_expected(
    run: Run, name: str, scope: str, says: str
) -> None:
    code, output, _ = run("explore", "--system", EXAMPLES / f"{name}.py", "--scope", scope)
    assert (code, f"{says}; every reachable state" in output) == (0, True)


def test_two_examples_at_least_have_expected_states() -> None:
    assert {"last_block", "lock_service"} <= {name for name, _, _ in EXPECTED}


def test_a_system_is_proved(run: Run) -> None:
    code, output, _ = run("check", "--system", LAST)
    assert code == 0
    assert re.search(r"some_block_is_online +proved +induction", output)
    assert re.search(r"a_block_is_offline +holds +trace of 1", output)


def test_what_no_run_violates_is_undetermined_and_strengthened(run: Run) -> None:
    code, output, _ = run("check", "--system", LOCK)
    assert code == 3
    assert "undetermined: one_client_holds_the_lock by take" in output
    assert "--strengthen looks for" in output
    output = run("check", "--system", LOCK, "--strengthen")[1]
    assert "1 of 1 that need it proved, with 8 more invariants" in output


def test_what_a_run_violates_is_refuted_by_a_shortest_trace_that_replays(
    run: Run, tmp_path: Path
) -> None:
    path, trace = tmp_path / "two.py", tmp_path / "trace.itf.json"
    path.write_text(HEAD + GO + NEVER)
    code, output, _ = run("check", "--system", path, "--trace", trace)
    assert code == 1
    assert f"refuted: never_two ({path}:" in output
    assert len(re.findall(r"(?m)^  \d go\(b=block", output)) == 2
    assert run("replay", trace, "--system", path)[0] == 1
    code, _, error = run("replay", trace)
    assert (code, "give it with --system FILE" in error) == (2, True)
    code, _, error = run("replay", trace, "--system", LAST)
    assert (code, "is 'last_block@" in error) == (2, True)


def test_a_variant_of_the_file_is_refuted_and_its_trace_replays(run: Run, tmp_path: Path) -> None:
    trace = tmp_path / "trace.itf.json"
    code, output, _ = run("check", "--system", LAST, "--variant", "careless", "--trace", trace)
    assert (code, "violated: some_block_is_online()" in output) == (1, True)
    code, output, _ = run("replay", trace, "--system", LAST)
    assert (code, "+careless" in output) == (1, True)
    code, _, error = run("check", "--system", LAST, "--variant", "carless")
    assert (code, "did you mean careless?" in error) == (2, True)
    code, _, error = run("check", "--system", LOCK, "--variant", "careless")
    assert (code, "declares no variant" in error) == (2, True)


def test_a_system_may_be_loaded_of_several_modules(run: Run, tmp_path: Path) -> None:
    (tmp_path / "parts_of_it.py").write_text(HEAD + GO)
    path = tmp_path / "whole.py"
    path.write_text(
        '"""The whole."""\nimport sys\nimport parts_of_it\nfrom parts_of_it import Block, on\n'
        f"from memhp.spec.language import *\n{NEVER}\n"
        'SYSTEM = load("whole", (parts_of_it, sys.modules[__name__]))\n'
    )
    code, output, _ = run("check", "--system", path)
    assert (code, "refuted: never_two" in output) == (1, True)


def test_documents_have_the_system_and_its_properties(run: Run) -> None:
    document = json.loads(run("check", "--system", LAST, "--json")[1])
    assert document["profile"] == "last_block"
    assert [each["verdict"] for each in document["properties"]] == ["proved", "holds"]
    document = json.loads(run("explore", "--system", LAST, "--json")[1])
    assert document["system"].startswith("last_block@")
    assert document["machines"][0]["sizes"] == {"Block": 2}


@pytest.mark.parametrize("name", ["take_offline", "some_block_is_online", "online", "careless"])
def test_names_are_explained(run: Run, name: str) -> None:
    code, output, _ = run("explain", "--system", LAST, name)
    assert (code, name in output) == (0, True)
    assert "normal path" not in output


def test_a_name_of_memory_hotplug_is_none_of_the_system(run: Run) -> None:
    code, _, error = run("explain", "--system", LAST, "begin_offline")
    assert (code, "there is no name 'begin_offline'" in error) == (2, True)


def test_a_machine_is_led_step_by_step(run: Run, tmp_path: Path) -> None:
    commands = tmp_path / "commands.txt"
    commands.write_text(
        "ask(server0, client1)\ngrant(0, 1)\nwhy grant(0, 0)\neval has_lock[server0]\n"
    )
    code, output, _ = run("step", "--system", LOCK, "--input", commands)
    assert code == 0
    assert "has_the_lock: somebody else has it" in output
    assert output.endswith("> eval has_lock[server0]\nfalse\n")


def test_rows_that_properties_name_are_covered(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.py"
    variant = (
        'X = Variant("blind", "It looks not.", ("L1",), "", "never_two",'
        ' (DropGuard("go", "nothing_on"),))\n'
    )
    look = 'guard("nothing_on", ~exists(Block, lambda c: on[c]), why="one is on")'
    guarded = GO.replace(
        "    on[b] = true",
        f"    {look}\n    on[b] = true",
    )
    claim = NEVER.replace("@always()", '@always(covers="L1 L2")')
    path.write_text(HEAD + guarded + claim + variant)
    code, output, _ = run("coverage", "--system", path, "--markdown")
    assert code == 0
    assert "| L1 |  | 1 property | 1 proved | 1 refuted | - | - | - |" in output
    assert "| L2 |  | 1 property | 1 proved | - | - | - | - |" in output
    code, _, error = run("coverage", "--system", LAST)
    assert (code, "no property covers a row" in error) == (2, True)


MISTAKES = {
    "not Python": ("def", ":1: "),
    "no sort": (HEAD + GO + NEVER.replace("c: Block", "c: Blok"), ":18: "),
    "no docstring": (HEAD + GO + NEVER.replace('"""No two are on."""', "pass"), ":17: "),
    "a number for a truth value": (HEAD + GO.replace("= true", "= 3") + NEVER, ":15: go: 3 is not"),
    "a name of nothing": (HEAD + GO.replace("on[b] = true", "off[b] = true") + NEVER, ":15: Name"),
    "an update twice": (HEAD + GO + "    on[b] = true\n" + NEVER, ":16: go: on is updated twice"),
    "no action": (HEAD + NEVER, ":1: it lacks an action"),
    "no property": (HEAD + GO, ":1: it lacks an action, a variable, or a property"),
    "nothing of a system": (HEAD + GO + NEVER + "SYSTEM = 3\n", ":1: SYSTEM is no system"),
    "it ends": (HEAD + "raise SystemExit(0)\n", ":10: SystemExit: 0"),
    "a guard after an update": (
        HEAD + GO + '    guard("x", on[b], why="y")\n' + NEVER,
        ":16: go: ",
    ),
}


@pytest.mark.parametrize("command", [("check",), ("explore",), ("step",), ("explain", "go")])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line(
    run: Run, tmp_path: Path, mistake: str, command: tuple[str, ...]
) -> None:
    text, says = MISTAKES[mistake]
    path = tmp_path / "mine.py"
    path.write_text(text)
    code, output, error = run(*command, "--system", path)
    assert (code, output, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"memhp {command[0]}: {path}{says}")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check", "--design", LAST), "leave --design out"),
        (("check", "--profile", "linux-6.12"), "leave --profile out"),
        (("check", "--mutants"), "leave --mutants out"),
        (("explore", "--scope", "node=2"), "'node=2' is not one of block = number"),
        (("explore", "--scope", "block=0"), "must be from 1 to 255"),
        (("step", "--machine", "2"), "scope block=2 has 1"),
        (("check", "--only", "nobody"), "there is no property or row 'nobody'"),
        (("check", "--trace", "x.json"), "nothing breaks"),
    ],
)
def test_what_does_not_go_with_a_system_is_said(
    run: Run, words: tuple[str, ...], says: str
) -> None:
    code, _, error = run(*words, "--system", LAST)
    assert (code, says in error) == (2, True), error
