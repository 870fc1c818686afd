"""What shells complete, and the manual page."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from memhp.cli.commands import parser
from memhp.cli.completion import parsers_within
from memhp.cli.main import main

COMMANDS = parsers_within(parser())


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(argv) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["memhp", "insp"], ["inspect"]),
        (["memhp", "inspect", "--reb"], ["--reboot"]),
        (["memhp", "check", "--only", "N2", "--prof"], ["--profile"]),
        (["memhp", "lab", "bo"], ["boot"]),
        (["memhp", "lab", "boot", "--dim"], ["--dimm"]),
        (["memhp", "nothing", "--"], []),
    ],
)
def test_bash_completes(
    words: list[str], completed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    script = printed(capsys, "completion", "bash")
    ask = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _memhp"
    line = f'{script}\n{ask}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.split() == completed
    assert done.stderr == ""


def test_zsh_has_the_same_and_fish_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    bash = printed(capsys, "completion", "bash")
    assert printed(capsys, "completion", "zsh").endswith(bash)
    fish = printed(capsys, "completion", "fish").splitlines()
    for name in COMMANDS:
        assert any(f" -a {name} -d '" in line for line in fish)
    assert "complete -c memhp -n '__fish_seen_subcommand_from lab' -l dimm" in fish


def test_the_manual_page_has_every_command_and_man_takes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = printed(capsys, "man")
    for name in COMMANDS:
        assert f'.SS "memhp {name}"' in page
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "memhp lab boot" in done.stdout
