"""`memhp inspect --reboot`: predicted times, their sources, and options that cannot be used."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli.inspect_time import forecast_document, read_costs, reboot_of
from memhp.cli.main import main
from memhp.cli.output.streams import UsageError
from memhp.machines.judging.forecast import forecast
from memhp.machines.judging.offline import design_of, judge
from memhp.machines.judging.page_work import PageWork
from memhp.machines.judging.removal_time import COSTS, Span
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.procfs import Range
from memhp.machines.reading.sysfs import BlockReading, MachineReading

from .test_inspect import machine

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "inspect.json").read_text())
GIB = 1 << 30
MEASURED = """
[copy]
lower = 0.25
upper = 0.5
[unmap]
lower = 0
upper = 0
[flush]
lower = 0
upper = 0
[write_out]
lower = 0
upper = 0
[wait]
lower = 0
upper = 0
[block]
lower = 0.5
upper = 0.5
source = "a stop watch"
"""


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A user's file: every kind has its figure."""
    path = tmp_path / "mine.toml"
    path.write_text(MEASURED)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two movable blocks of 128 MiB, and one that has left."""
    movable = {1: ("online", "Movable"), 2: ("online", "Movable"), 3: ("offline", "Movable")}
    return machine(tmp_path / "tree", movable)


def removal(capsys: pytest.CaptureFixture[str], path: Path, *more: str) -> Any:
    assert main(["inspect", str(path), "--json", *more]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document["removal"]


def live(*kinds: FrameKind) -> MachineReading:
    """A machine with one block of 1 GiB in the movable zone, its frames of these kinds."""
    blocks = (BlockReading(number=1, state="online", valid_zones=("Movable",), nodes=(0,)),)
    whole = (Range(0, 4 * GIB),)
    frames = {1: Counter(kinds)}
    return MachineReading(
        "made up", True, 4096, GIB, False, blocks, (), whole, None, frames, (), cma=False
    )


def test_a_live_block_by_hand(monkeypatch: pytest.MonkeyPatch, measured: Path) -> None:
    pages = PageWork(moved=131072, maybe=131072, mappings=(9, 9), mapped=9)
    monkeypatch.setattr(
        "memhp.machines.judging.forecast.count_work",
        lambda numbers, **_: dict.fromkeys(numbers, pages),
    )
    reading = live(FrameKind.movable, FrameKind.reserved, FrameKind.reserved, FrameKind.unknown)
    movable = live(FrameKind.movable)
    judgements = judge(movable, design_of(movable))
    costs, reboot = read_costs(str(measured)), reboot_of("5..6", None)
    made = forecast(reading, judgements, costs=costs, reboot=reboot)
    # half a GiB for certain, all of it at most: 0.5 * 0.25 + 0.5 to 1 * 0.5 + 0.5
    assert made.seconds == Span(0.625, 1.0)
    assert made.verdict == "faster than a reboot"
    assert made.sticky == {"reserved": 2, "kernel": 0}
    assert forecast_document(made)["blocks"][0]["work"]["copy"] == {"lower": 0.5, "upper": 1.0}


def test_a_dump_has_no_bound_without_measured_costs(
    capsys: pytest.CaptureFixture[str], tree: Path, measured: Path
) -> None:
    found = removal(capsys, tree, "--reboot", "90..120")
    assert [block["number"] for block in found["blocks"]] == [1, 2]
    assert found["seconds"]["upper"] is None
    assert (found["verdict"], found["sticky"]) == ("cannot tell", None)
    known = removal(capsys, tree, "--reboot", "90..120", "--costs", str(measured))
    # 2 blocks of 1/8 GiB: 2 * 0.5 to 2 * (0.125 * 0.5 + 0.5)
    assert known["seconds"] == {"lower": 1.0, "upper": 1.125}
    assert known["verdict"] == "faster than a reboot"
    assert removal(capsys, tree, "--reboot=1.125", "--costs", str(measured))["verdict"] == (
        "cannot tell"
    )
    assert removal(capsys, tree, "--reboot=0.9", "--costs", str(measured))["verdict"] == "slower"


def test_blocks_that_only_may_go_add_nothing_for_certain(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, measured: Path
) -> None:
    mixed = machine(tmp_path / "m", {1: ("online", "Movable"), 2: ("online", "Normal")})
    found = removal(capsys, mixed, "--reboot", "90", "--costs", str(measured))
    assert [block["certain"] for block in found["blocks"]] == [True, False]
    assert found["seconds"] == {"lower": 0.5, "upper": 1.125}


def test_a_json_file_of_costs_and_an_estimated_reboot(
    capsys: pytest.CaptureFixture[str], tree: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text('{"copy": {"lower": 1, "upper": 2}}')
    found = removal(capsys, tree, "--reboot", "--costs", str(mine))
    assert found["costs"]["copy"]["confidence"] == "given"
    assert found["costs"]["copy"]["source"] == str(mine)
    assert (found["reboot"]["confidence"], found["reboot"]["upper"]) == ("derived", 1800.0)


def test_every_figure_is_shown_with_its_source(
    capsys: pytest.CaptureFixture[str], tree: Path, measured: Path
) -> None:
    options = ["--reboot", "90..120", "--costs", str(measured)]
    assert main(["inspect", str(tree), *options]) == 0
    short = capsys.readouterr().out
    assert "removing takes 1 to 1.12 s, about 1.05 s to expect; a reboot takes 90 to 120 s" in short
    assert "removing is faster than a reboot" in short
    assert "a stop watch" not in short
    assert main(["inspect", str(tree), *options, "-v"]) == 0
    shown = capsys.readouterr().out
    assert "block: 0.5 to 0.5 s for a block (given): a stop watch" in shown
    for kind in COSTS:
        assert f"  {kind}: " in shown


def test_assumed_figures_and_those_without_a_bound_are_named(
    capsys: pytest.CaptureFixture[str], tree: Path, measured: Path
) -> None:
    assert main(["inspect", str(tree), "--reboot", "90"]) == 0
    out = capsys.readouterr().out
    assert "if nothing refuses and no page is tried twice, removing takes" in out
    assert "whether removing is faster cannot be told" in out
    assert "assumed, not measured: unmap, write_out, wait, block" in out
    assert "without a bound: write_out, wait, for a store may never answer" in out
    assert main(["inspect", str(tree), "--reboot", "90", "--costs", str(measured)]) == 0
    out = capsys.readouterr().out
    assert "assumed, not measured" not in out
    assert "without a bound" not in out


def test_no_block_that_can_go_leaves_nothing_to_predict(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stuck = machine(tmp_path / "stuck", {1: ("online", "none")})
    assert main(["inspect", str(stuck), "--reboot", "90"]) == 0
    assert "no block can go; a reboot takes 90 s (given)" in capsys.readouterr().out
    assert removal(capsys, stuck, "--reboot", "90")["verdict"] == "cannot tell"


@pytest.mark.parametrize("text", ["soon", "-1", "5..", "9..3", "inf", "nan", "1..2..3", "a.tar"])
def test_a_reboot_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="neither seconds"):
        reboot_of(text, GIB)


def test_a_machine_of_unknown_size_has_no_estimate() -> None:
    with pytest.raises(UsageError, match="give --reboot SECONDS"):
        reboot_of("estimate", None)


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("[copy]\nlower = 3\nupper = 1\n", "mine.toml", "lower, 3, is more than upper, 1"),
        ("copy = ", "mine.toml", "neither TOML nor JSON"),
        ("[copy]", "mine.json", "neither TOML nor JSON"),
        ("[1]", "mine.json", "expected kinds of work"),
        (None, "mine.toml", "No such file"),
        ("[copy]\nlower = " + "9" * 400 + "\nupper = 1\n", "mine.toml", "a longer number"),
        ("[copy]\nlower = " + "9" * 5000 + "\nupper = 1\n", "mine.toml", "neither TOML"),
        ("a = " + "[" * 10_000, "mine.toml", "nested too deeply"),
        ('{"copy": {"lower": ' + "9" * 5000 + "}}", "mine.json", "neither TOML nor JSON"),
        ("[" * 10_000, "mine.json", "nested too deeply"),
        ('{"copy": {"lower": 0, "upper": 1e999}}', "mine.json", "too large"),
        ("#" * (1 << 14) + "#", "mine.toml", "no file of costs: it is larger than"),
        (".".join(["a"] * 50_000) + " = 1", "mine.toml", "no file of costs: it is larger than"),
        ("[" + "k" * 5000 + "]", "mine.toml", "no kind of work 'kkkk"),
    ],
)
def test_a_file_of_costs_that_cannot_be_used_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    tree: Path,
    tmp_path: Path,
    text: str | None,
    name: str,
    says: str,
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert main(["inspect", str(tree), "--reboot", "90", "--costs", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert says in err


def test_costs_need_a_reboot(capsys: pytest.CaptureFixture[str], tree: Path) -> None:
    assert main(["inspect", str(tree), "--costs", "mine.toml"]) == 2
    assert "give that as well" in capsys.readouterr().err


def test_the_schema_can_fail(capsys: pytest.CaptureFixture[str], tree: Path) -> None:
    assert main(["inspect", str(tree), "--json", "--reboot", "90"]) == 0
    document = json.loads(capsys.readouterr().out)
    document["removal"]["verdict"] = "perhaps"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
