"""`memhp completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

__all__ = ["add_parser", "parsers_within"]

_EPILOG = """examples:
  memhp completion bash > ~/.local/share/bash-completion/completions/memhp
  memhp completion fish > ~/.config/fish/completions/memhp.fish
  memhp completion zsh >> ~/.zshrc            it needs compinit before
"""
_BASH = """_memhp() {
  local word=${COMP_WORDS[COMP_CWORD]} words=
  case "$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
%s
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _memhp memhp
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "completion",
        help="what bash, zsh or fish needs to complete commands and options",
        description="Prints a script with which a shell completes commands and options.",
        epilog=_EPILOG,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script; the exit code is 0."""
    commands = args.every()
    tops = dict(commands.choices)
    if args.shell == "fish":
        print("\n".join(_fish(tops, commands)))
    else:
        print((_ZSH if args.shell == "zsh" else "") + _BASH % "\n".join(_cases(tops)), end="")
    return 0


def parsers_within(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a command's own commands, by their names."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]


def _words(parser: argparse.ArgumentParser) -> str:
    return " ".join([*parsers_within(parser), *_options(parser)])


def _cases(tops: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    """A line for each command, what has the longer name first."""
    yield f"    1\\ *) words='{' '.join(tops)} help --help --version' ;;"
    for name, parser in tops.items():
        for inner, each in parsers_within(parser).items():
            yield f"    [3-9]\\ {name}\\ {inner}) words='{_words(each)}' ;;"
        yield f"    *\\ {name}\\ *) words='{_words(parser)}' ;;"


def _fish(tops: dict[str, argparse.ArgumentParser], commands: Any) -> Iterator[str]:
    said = {action.dest: action.help or "" for action in commands._choices_actions}
    for name, parser in tops.items():
        about = _quoted(said.get(name, ""))
        yield f"complete -c memhp -n __fish_use_subcommand -a {name} -d {about}"
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for inner in parsers_within(parser):
            yield f"complete -c memhp {seen} -a {inner}"
        for each in (parser, *parsers_within(parser).values()):
            for option in (o for o in _options(each) if o.startswith("--")):
                yield f"complete -c memhp {seen} -l {option[2:]}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
