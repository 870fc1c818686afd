"""The notebook in examples/ runs, cell by cell, and shows what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "states.ipynb"


def cells() -> list[str]:
    document = json.loads(NOTEBOOK.read_text())
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 4)
    assert all(each["cell_type"] in ("code", "markdown") for each in document["cells"])
    return ["".join(c["source"]) for c in document["cells"] if c["cell_type"] == "code"]


def test_no_cell_carries_what_it_printed() -> None:
    code = [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]
    assert all((each["outputs"], each["execution_count"]) == ([], None) for each in code)


@pytest.mark.slow
def test_every_cell_runs_and_figures_show_what_is_counted() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    names: dict[str, Any] = {"__name__": "notebook"}
    shown: list[str] = []
    for cell in cells():
        *_, last = [line for line in cell.splitlines() if not line.startswith(" ")]
        exec(cell, names)
        if last in names and hasattr(names[last], "_repr_html_"):
            shown.append(names[last]._repr_html_())
    assert len(names["states"]) == sum(names["by_depth"].values())
    bars = names["right"].patches
    assert [bar.get_height() for bar in bars] == list(names["by_depth"].values())
    assert (names["parting"].steps, len(names["parting"].changes)) == (1, 2)
    assert len(names["axes"].patches) == len(names["shortest"].steps) == 8
    assert sum("<td>remove_section</td>" in text for text in shown) == 1
    assert [text.count("<tr>") for text in shown] == [0, 3, 3, 9]
    pyplot.close("all")
