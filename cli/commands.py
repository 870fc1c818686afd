"""The command line: all sub-commands, and what goes for each of them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from . import (
    apply,
    book,
    check,
    completion,
    coverage,
    design,
    explain,
    explore,
    export,
    fuzz,
    inspect,
    kconfig,
    lab,
    man,
    plan,
    replay,
    schemas,
    sections,
    step,
    variants,
    why,
)
from .help import Help
from .output.streams import USAGE, one_line

_EPILOG = """examples:
  memhp check                                 prove everything
  memhp check --variant pgdat-goes-early      see a wrong design refuted
  memhp check --design mine.py                a design of one's own: what it changes and breaks
  memhp check --scope node=2,block=4 --depth 6
  memhp coverage                              what every row of the list has
  memhp explore --scope block=1               every state of a small machine
  memhp step                                  lead a machine step by step
  memhp fuzz --walk --minutes 10              hold the engine against the reference
  memhp replay trace.itf.json                 watch a trace, step by step
  memhp explain begin_offline                 an action, a guard or a property
  memhp inspect                               which memory of this machine can go
  memhp why 32                                what holds a block of it, and what helps
  memhp plan 8GiB                             how to free 8 GiB, or why that cannot be done
  memhp apply plan.json --yes                 free it, or go back to where it was
  memhp sections --size 1PiB --arch ia64-16k  what each section size costs
  memhp kconfig /proc/config.gz               what this kernel's configuration lacks
  memhp book site/                            the specification as a site of static files
  memhp lab boot x86_64-6.1                   a guest with a real kernel
  memhp schema inspect                        the JSON schema of what inspect --json writes

exit codes: 0 proved or holds, 1 refuted, 2 usage or malformed input, 3 undetermined,
4 internal error
"""


_FOLDER = Path(__file__).parents[1]
"""Where memhp is installed, with all that its texts name."""


_COMMANDS: Mapping[str, ModuleType] = dict(
    check=check, coverage=coverage, variants=variants, design=design, explain=explain,
    explore=explore, step=step, replay=replay, fuzz=fuzz,
    inspect=inspect, why=why, plan=plan, apply=apply, sections=sections, kconfig=kconfig, lab=lab,
    book=book, export=export, schema=schemas, completion=completion, man=man,
)  # fmt: skip
"""What makes the parser of each sub-command, in the order in which `memhp --help` names them."""


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line, with all sub-commands.

    A command that tells of all gets them from `every` of its arguments.

    Args:
        command: the only one to make, where that is one of them: each takes its time.
    """
    return _made(command)[0]


def _made(command: str | None = None) -> tuple[argparse.ArgumentParser, Any]:
    """The parser, and its action that has those of the sub-commands."""
    top = _Parser(
        prog="memhp",
        description="A proven, executable specification of Linux memory hotplug.",
        epilog=f"{_EPILOG}\ndocuments (docs), examples and records (tests/data): {_FOLDER}\n",
    )
    top.add_argument("--version", action=_Version, help="show the version and exit")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in _COMMANDS.items():
        if name == command or command not in _COMMANDS:
            module.add_parser(commands)
    top.set_defaults(every=lambda: _made()[1])
    return top, commands


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, whatever was typed; without colours of its own."""

    color = False  # newer ones would steer the terminal

    def __init__(self, **more: Any) -> None:
        super().__init__(formatter_class=Help, **more)
        self.set_defaults(parser=self)

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """Say that the command has no such options or operands."""
        from difflib import get_close_matches

        name = next((word for word in words if word.startswith("--")), "").partition("=")[0]
        close = get_close_matches(name[:100], self._option_string_actions, n=1, cutoff=0.75)
        guess = f"; did you mean {close[0]}?" if close else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{guess}")

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {one_line(_with_a_guess(message))}\n")


def _with_a_guess(message: str) -> str:
    """The message; where it is that something is none of the choices, with the closest of them."""
    from difflib import get_close_matches

    match = re.fullmatch(r"(.*invalid choice: '(.{1,40})') \(choose from (.*)\)", message)
    if match is None:
        return message
    close = get_close_matches(match[2].lower(), re.findall(r"[\w.-]+", match[3]), n=1)
    return f"{match[1]}; did you mean {close[0]}?" if close else message


class _Version(argparse.Action):
    """Looked up only if somebody asks."""

    def __init__(self, **more: Any) -> None:
        super().__init__(nargs=0, default=argparse.SUPPRESS, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"memhp {version('memhp')}")
        parser.exit()


def run(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code.

    Raises:
        SystemExit: where argparse ends the process.
    """
    words = _words(argv)
    top = parser(next(iter(words), None))
    args, rest = top.parse_known_args(words)
    if rest and hasattr(args, "words") and not any(word.startswith("-") for word in rest):
        args.words += rest  # argparse takes only those that stand together
    elif rest:
        args.parser.refuse(rest)
    code: int = args.run(args)
    return code


def _words(argv: Sequence[str]) -> list[str]:
    """As argparse takes them: `help check` is `check --help`, and values with a sign are joined.

    With `--size -1GiB` as `--size=-1GiB`, argparse says what is wrong with the value.
    """
    if list(argv[:1]) == ["help"]:
        argv = [*argv[1:], "--help"]
    joined: list[str] = []
    for word in argv:
        if joined and re.match("-[0-9]", word) and re.fullmatch("--[a-z-]+", joined[-1]):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined
