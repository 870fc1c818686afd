"""docs/plan.md: what it shows of the record is what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from memhp.cli.main import main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "plan.md").read_text()
SHOWN = re.findall(r"(?ms)^```console\n\$ memhp (plan [^\n]*--machine [^\n]*)\n(.*?)^```$", TEXT)


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_what_is_shown_is_printed(
    command: str,
    output: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    main(command.split())
    assert capsys.readouterr().out == output


def test_the_three_answers_are_shown() -> None:
    assert len(SHOWN) == 3
