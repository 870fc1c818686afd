"""`memhp kconfig`: which hotplug capabilities a kernel configuration has, and what it lacks."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import Once, UsageError, choose, coloured, console, fail, say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.checks.configuration import Kernel, Plan
    from memhp.machines.kernel_config import KernelConfig

_EPILOG = """examples:
  memhp kconfig /proc/config.gz
  memhp kconfig .config --want hot-remove --want virtio-mem --fragment hotplug.config
  zcat config.gz | memhp kconfig - --json

The changes are a smallest set of options that a user can set; what they select and what
follows by default is listed apart.  Apply a fragment in a kernel tree:
  scripts/kconfig/merge_config.sh .config hotplug.config

exit codes: 0 all wanted capabilities work, 1 one is missing, 2 usage or malformed input
"""
_ALIASES = {
    "x86_64": "x86",
    "amd64": "x86",
    "aarch64": "arm64",
    "ppc64": "powerpc",
    "ppc64le": "powerpc",
    "ppc64el": "powerpc",
    "s390x": "s390",
    "riscv64": "riscv",
}
_WORDS = "nmy"
_COLOURS = {"works": "green", "missing": "yellow", "impossible": "dim"}


@dataclass(frozen=True)
class Answer:
    """What is said of one capability: "works", "missing" or "impossible", and why."""

    name: str
    gives: str
    state: str
    lacks: tuple[str, ...]
    why: str
    wanted: bool


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "kconfig",
        help="a kernel's configuration: which hotplug features work, what is missing",
        description="Reads a kernel's configuration and says which memory hotplug capabilities it"
        " has, what the others lack, and the smallest change that gives them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", help="a .config, plain or gzip; - for standard input")
    parser.add_argument(
        "--want",
        action="append",
        metavar="NAME",
        help="a capability, may be repeated (default: all that the architecture can have,"
        " policies and testing aids left out)",
    )
    parser.add_argument("--arch", help="x86, arm64, powerpc, s390 or riscv (default: the file's)")
    parser.add_argument("--kernel-version", metavar="X.Y", help="default: the file's")
    parser.add_argument(
        "--fragment", type=Path, action=Once, metavar="FILE", help="write the changes there"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, judge, plan and show; exit 2 for anything that is no configuration."""
    from memhp.checks.configuration import kernel, plan
    from memhp.machines.errors import MachineError
    from memhp.machines.kernel_config import read_config
    from memhp.spec.configuration import CAPABILITIES

    try:
        for name in args.want or ():
            choose("capability", name, (c.name for c in CAPABILITIES))
        config = read_config(args.file)
        architecture, version = _architecture(args.arch, config), _version(args, config)
        it = kernel(architecture, version, config.values)
        answers = _answers(it, args.want)
        wanted = [answer.name for answer in answers if answer.wanted]
        proposed = plan(it, wanted)
        if args.fragment:
            _write(args.fragment, proposed)
    except (MachineError, UsageError) as error:
        return fail("kconfig", error)
    except ValueError as error:
        return fail("kconfig", UsageError(f"{args.file}: {error}"))
    if args.json:
        print(json.dumps(_document(config, architecture, version, answers, proposed), indent=1))
    else:
        title = f"{config.source}: {architecture} {_dots(version)}"
        _show(
            console(),
            [title, *(f"note: {note}" for note in _notes(version))],
            it,
            answers,
            proposed,
        )
    return 0 if all(answer.state == "works" for answer in answers if answer.wanted) else 1


def _architecture(given: str | None, config: KernelConfig) -> str:
    from memhp.spec.configuration import ARCHITECTURE_SYMBOLS

    name = given or config.architecture
    if name is None:
        raise UsageError(f"{config.source} does not say its architecture; give --arch")
    return choose("architecture", _ALIASES.get(name, name), ARCHITECTURE_SYMBOLS)


def _version(args: argparse.Namespace, config: KernelConfig) -> tuple[int, ...]:
    if args.kernel_version is None:
        if config.version is None:
            raise UsageError(f"{config.source} does not say its version; give --kernel-version X.Y")
        return config.version
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?(?!\d)", args.kernel_version)
    if not found:
        raise UsageError(f"--kernel-version {args.kernel_version!r} is not like 6.12 or 6.1.90")
    return tuple(int(part) for part in found.groups() if part is not None)


def _answers(it: Kernel, want: list[str] | None) -> list[Answer]:
    """What is said of every capability; without ``want``, all that are possible are wanted."""
    from memhp.checks.configuration import impossible, missing, works
    from memhp.spec.configuration import CAPABILITIES

    found = []
    for each in CAPABILITIES:
        works_now = works(it, each.name)
        why = "" if works_now else impossible(it, each.name)
        state = "works" if works_now else "impossible" if why else "missing"
        wanted = each.name in want if want else not (each.policy or why)
        lacks = () if works_now else missing(it, each.name)
        found.append(Answer(each.name, each.gives, state, lacks, why, wanted))
    return found


def _write(path: Path, proposed: Plan) -> None:
    from memhp.checks.files import write_whole

    if proposed.changes is None:
        raise UsageError(f"no fragment is written: {proposed.because}")
    try:
        write_whole(path, "".join(f"{line}\n" for line in _lines(proposed.changes)))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _lines(changes: Mapping[str, int]) -> list[str]:
    """As a .config has them."""
    return [
        f"CONFIG_{name}={_WORDS[value]}" if value else f"# CONFIG_{name} is not set"
        for name, value in changes.items()
    ]


def _dots(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _show(
    out: Console, titles: list[str], it: Kernel, answers: list[Answer], proposed: Plan
) -> None:
    from rich.table import Table

    for line in titles:
        say(out, line)
    reasons: dict[str, int] = {}
    table = Table("capability", "", "why", "gives", box=None, pad_edge=False)
    for answer in answers:
        colour = _COLOURS[answer.state]
        mark = "" if answer.wanted or answer.state != "missing" else "\n(not wanted)"
        lacks = answer.why or "\n".join(f"CONFIG_{name}" for name in answer.lacks)
        number = str(reasons.setdefault(lacks, len(reasons) + 1)) if lacks else ""
        state = coloured(f"{answer.state}{mark}", colour)
        table.add_row(answer.name, state, number, answer.gives)
    out.print(table)
    out.print()
    if reasons:
        out.print("what is missing:")
        for reason, index in reasons.items():
            _say_each(out, f"{index:4}: ", reason.splitlines())
        out.print()
    _show_plan(out, it, proposed)


def _say_each(out: Console, before: str, lines: list[str]) -> None:
    """One a line, the first after ``before`` and the others below it."""
    for line in lines:
        say(out, before + line)
        before = " " * len(before)


def _show_plan(out: Console, it: Kernel, proposed: Plan) -> None:
    if proposed.changes is None:
        say(out, f"no change gives all that is wanted: {proposed.because}")
    elif not proposed.changes:
        say(out, "all that is wanted works")
    else:
        say(out, f"smallest set of changes: {len(proposed.changes)}")
        for name, line in zip(proposed.changes, _lines(proposed.changes), strict=True):
            say(out, f"  {line}   ({it.rules[name].source})")
        if proposed.follow:
            say(out, "what follows:")
            _say_each(out, "  ", _lines(proposed.follow))
        if proposed.lost:
            say(out, f"no longer works: {', '.join(proposed.lost)}")


def _notes(version: tuple[int, ...]) -> list[str]:
    """What is to be known of a version that is later than all that were read."""
    from memhp.spec.configuration import RELEASES

    newest = RELEASES[-1]
    if version[: len(newest)] <= newest:
        return []
    return [
        f"{_dots(version)} is later than {_dots(newest)}, the newest whose rules were read: it is"
        f" judged by those of {_dots(newest)}"
    ]


def _document(
    config: KernelConfig,
    architecture: str,
    version: tuple[int, ...],
    answers: list[Answer],
    proposed: Plan,
) -> dict[str, Any]:
    def words(values: Mapping[str, int]) -> dict[str, str]:
        return {name: _WORDS[value] for name, value in values.items()}

    return {
        "schema": "memhp-kconfig/1",
        "source": config.source,
        "architecture": architecture,
        "version": _dots(version),
        "notes": _notes(version),
        "capabilities": [
            {
                "name": answer.name,
                "gives": answer.gives,
                "state": answer.state,
                "lacks": list(answer.lacks),
                "why": answer.why,
                "wanted": answer.wanted,
            }
            for answer in answers
        ],
        "changes": None if proposed.changes is None else words(proposed.changes),
        "follow": words(proposed.follow),
        "lost": list(proposed.lost),
        "because": proposed.because,
    }
