"""Where output goes: a pipe that nobody reads, a full disk, a closed stream, a terminal."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from memhp.checks.coverage import RowCoverage
from memhp.checks.explore.results import Progress
from memhp.checks.support.verdicts import Verdict
from memhp.cli.main import main
from memhp.cli.output.streams import Stream, one_line, quoted
from memhp.spec.rows import ROWS

DATA = Path(__file__).parents[1] / "data"
BLOCKS = ["explore", "--scope", "block=2", "--machine", "1", "--actions", "blocks", "--depth", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace, and a kernel's configuration."""
    made = tmp_path_factory.mktemp("inputs")
    assert main(["check", "--variant", "lock-left-held", "--trace", str(made / "trace.json")]) == 1
    (made / "config").write_text("# Linux/x86 6.12.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    return made


COMMANDS: dict[str, tuple[list[str], int]] = {
    "a proof": (["check", "--only", "the_lock_is_held_while_a_block_changes"], 0),
    "a refutation": (["check", "--variant", "lock-left-held"], 1),
    "a scope": (
        ["check", "--scope", "block=2", "--depth", "1", "--only", "a_removable_block_is_full"],
        0,
    ),
    "no answer": (
        ["check", "--scope", "block=2", "--depth", "1", "--only", "an_offline_is_cancelled"],
        3,
    ),
    "as JSON": (["check", "--variant", "lock-left-held", "--json"], 1),
    "coverage": (["coverage"], 1),
    "coverage, Markdown": (["coverage", "--markdown"], 1),
    "variants": (["variants"], 0),
    "explain": (["explain", "N2"], 0),
    "explore": ([*BLOCKS, "-q"], 0),
    "fuzz": (["fuzz", "--steps", "1", "--walk", "--jobs", "1"], 0),
    "replay": (["replay", "{0}/trace.json"], 1),
    "inspect": (["inspect", str(DATA / "arm64-nodes.tar.gz")], 0),
    "sections": (["sections", "--size", "4GiB"], 0),
    "kconfig": (["kconfig", "{0}/config"], 1),
    "lab": (["lab", "list"], 0),
    "help": (["--help"], 0),
    "help of check": (["help", "check"], 0),
    "version": (["--version"], 0),
}
"""Each sub-command, and its exit code."""
IN_PROCESS = [name for name in COMMANDS if name != "fuzz"]  # its workers take seconds to start


def nobody() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """`memhp coverage` computes two rows of which nothing is known, and something is missing."""
    import_module("memhp.checks.designs.rows")  # late, it would keep what is put there meanwhile
    monkeypatch.setattr(
        "memhp.checks.coverage.coverage", lambda _: [RowCoverage(row, ()) for row in ROWS[:2]]
    )
    monkeypatch.setattr(RowCoverage, "verdict", Verdict.refuted)
    monkeypatch.setenv("CC", "no-such-compiler")


def code_of(argv: list[str], folder: Path) -> int:
    try:
        return main([word.format(folder) for word in argv])
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_pipe_that_nobody_reads_does_not_change_the_exit_code(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv, expected = COMMANDS[name]
    with open(nobody(), "w", buffering=1) as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        assert code_of(argv, folder) == expected
        assert sys.stdout is unread
    assert "roken pipe" not in capsys.readouterr().err


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("name", IN_PROCESS)
def test_what_cannot_be_written_is_one_line_and_exit_2(
    name: str,
    closed: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    why = "it is closed" if closed else os.strerror(errno.ENOSPC)
    with open(full(), "w") as stream:
        monkeypatch.setattr(sys, "stdout", None if closed else stream)
        assert code_of(COMMANDS[name][0], folder) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-1] == f"memhp: cannot write to standard output: {why}"
    assert "Traceback" not in "".join(err)


def shell(line: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", line.replace("memhp", f"{sys.executable} -m memhp")]
    environment = {**os.environ, **more}
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("memhp explain N2 >/dev/full", 2, "", "No space left on device"),
        ("memhp explain N2 >&-", 2, "", "it is closed"),
        ("memhp explain N2 2>&-", 0, "row N2", ""),
        ("memhp explain no-such-name 2>&-", 2, "", ""),
        ("memhp explain no-such-name 2>/dev/full", 2, "", ""),
        ("memhp nonsense 2>&-", 2, "", ""),
        ("memhp explain N2 <&- >&- 2>&-", 2, "", ""),
        ("{ memhp explain N2; echo $? >&2; } | true", 0, "", "0\n"),
        ("{ memhp variants --json; echo $? >&2; } | head -c 1", 0, "{", "0\n"),
        ("{ memhp explain no-such-name 2>&1; echo $? >&2; } | true", 0, "", "2\n"),
    ],
)
def test_a_process_ends_as_it_should_whatever_its_streams_are(
    line: str, code: int, out: str, err: str
) -> None:
    done = shell(line)
    assert done.returncode == code
    assert done.stdout[: len(out) or None] == out if out else done.stdout == ""
    assert err in done.stderr if err else done.stderr == ""
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_search_of_which_nobody_reads_ends_between_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    argv = ["explore", "--scope", "block=2", "--actions", "blocks", "--depth", "1", "-q"]
    with open(nobody(), "w") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        assert main(argv) == 141
        assert main([*argv, "--json"]) == 0


FOREIGN = "\x1b]0;title\x07 \x1b[31m \x7f \x9b \u202e \u2066 \u200b \x00 \r \udcff \ue000 [/x] :x:"
HARMLESS = "é ü 漢 … [bold]"


def test_what_does_not_print_is_quoted_as_json_has_it() -> None:
    shown = quoted(FOREIGN)
    assert shown.isprintable()
    assert json.loads(f'"{shown}"') == FOREIGN
    assert quoted(HARMLESS) == HARMLESS
    assert quoted("\U000e0041") == "\\U000e0041"
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert len(one_line("x" * 10**7)) < 3_000


def visible(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    "argv",
    [
        [FOREIGN.replace("\0", "")],
        ["explain", FOREIGN],
        ["check", "--only", FOREIGN],
        ["check", "--variant", FOREIGN],
        ["check", "--profile", FOREIGN],
        ["check", "--scope", FOREIGN],
        ["check", "--depth", FOREIGN],
        ["check", "--variant", "lock-left-held", "--trace", f"no/{FOREIGN.replace(chr(0), '')}"],
        ["explore", "--actions", FOREIGN],
        ["explore", "--memory", FOREIGN],
        ["replay", f"no/{FOREIGN.replace(chr(0), '')}"],
        ["inspect", f"no/{FOREIGN.replace(chr(0), '')}"],
        ["inspect", str(DATA / "arm64-nodes.tar.gz"), "--arch", FOREIGN],
        ["sections", "--arch", FOREIGN, "--size", "1GiB"],
        ["sections", "--weights", FOREIGN],
        ["kconfig", f"no/{FOREIGN.replace(chr(0), '')}"],
        ["fuzz", "--target", FOREIGN],
        ["fuzz", "--minutes", FOREIGN],
        ["lab", "fetch", FOREIGN],
        ["lab", "boot", FOREIGN],
        ["coverage", FOREIGN],
        ["variants", FOREIGN],
        ["check", "two\nlines"],
    ],
)
def test_an_argument_steers_no_terminal(
    argv: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert code == 2
    assert visible(out + err)
    assert err.splitlines()[-1].startswith("memhp")
    assert "Traceback" not in err


def on_a_terminal(argv: list[str]) -> tuple[int, str]:
    """What the command shows on a terminal."""
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "memhp", *argv]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=inner, stderr=inner, env=environment) as process:
        os.close(inner)
        shown = b""
        while True:
            try:
                part = os.read(outer, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(outer)
    return process.returncode, shown.decode()


def test_tables_have_colours_on_a_terminal_and_foreign_names_have_none(tmp_path: Path) -> None:
    code, shown = on_a_terminal(["inspect", str(DATA / "arm64-nodes.tar.gz")])
    assert code == 0
    assert "\x1b[3" in shown
    code, shown = on_a_terminal(["replay", "no/\x1b[31mred\x1b]0;title\x07"])
    assert code == 2
    assert "\\u001b[31mred\\u001b]0;title\\u0007" in shown
    assert "\x1b" not in shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_takes_one_line_of_any_terminal_and_is_wiped_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object, progress: Callable[[Progress], None], **more: object) -> None:
        progress(Progress(30, 8_000_000, 70_000_000, 10.0))
        progress(Progress(31, 9_000_000, 80_000_000, 11.0, "looking for runs without end"))
        raise KeyboardInterrupt

    below = Terminal()
    monkeypatch.setattr("memhp.checks.explore.run.explore", stopped)
    monkeypatch.setattr("sys.stderr", below)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((40, 24)))
    assert main(["explore", "--scope", "block=1"]) == 130
    said = below.getvalue()
    assert "machine 1 of 1: depth 30, 8,000,000 " in said
    assert said.count("\n") == 1
    assert said.endswith("\r\x1b[K\r\x1b[Kmemhp: interrupted\n")
    assert all(len(part) < 40 for part in said.split("\r\x1b[K"))


def table_of(text: str, *, terminal: bool) -> str:
    from rich.table import Table

    from memhp.cli.output.terminal import beside, coloured, console, say

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    below = Terminal()
    before = sys.stdout
    sys.stdout = Stream(below)
    try:
        table = Table("name", text, title=text, box=None)
        table.add_row(text, coloured(text, "red"), beside(text, coloured(text, "bold")))
        out = console()
        out.print(table)
        out.print(text)
        say(out, text)
    finally:
        sys.stdout = before
    return below.getvalue()


def test_nothing_in_a_table_steers_the_terminal_but_our_own_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "2000")
    piped = table_of(FOREIGN, terminal=False)
    assert visible(piped)
    shown = table_of(FOREIGN, terminal=True)
    assert "\x1b[31m\\u001b" in shown
    for foreign in set(FOREIGN) - {"\x1b"}:
        assert foreign.isprintable() or foreign not in shown
    assert "\x1b]" not in shown
    assert "\x1b[31m " not in shown
    assert piped.count("[/x] :x:") >= 6


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_what_a_locale_cannot_write_is_escaped(locale: dict[str, str], tmp_path: Path) -> None:
    line = f"memhp replay '{tmp_path}/é漢'; memhp check --help"
    done = shell(line, LANG="", **locale, PYTHONUTF8="0")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "No such file" in done.stderr


def test_a_file_whose_name_is_no_utf8_is_read_and_named(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.tar.gz"
    Path(os.fsdecode(name)).write_bytes((DATA / "arm64-nodes.tar.gz").read_bytes())
    command = [sys.executable.encode(), b"-m", b"memhp", b"inspect", name]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"\\udcff.tar.gz" in done.stdout


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A program that is interrupted while it imports the module that its argument names."""
    path = tmp_path / "interrupted.py"
    path.write_text(
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == sys.argv[1]:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from memhp.cli.main import main\n"
        "sys.exit(main(['explain', 'N2']))\n"
    )
    return path


@pytest.mark.parametrize(
    "module", ["memhp.cli.output.streams", "memhp.cli.commands", "argparse", "memhp.spec.system"]
)
def test_an_interrupt_while_modules_are_read_is_no_traceback(
    interrupted: Path, module: str
) -> None:
    command = [sys.executable, "-S" if module == "argparse" else "-B", interrupted, module]
    path = os.pathsep.join(each for each in sys.path if each)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr in ("", "memhp: interrupted\n")


def test_the_modules_that_are_read_before_an_interrupt_is_told_are_few() -> None:
    code = "import sys; n = len(sys.modules); import memhp.cli.main; print(len(sys.modules) - n)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 10
