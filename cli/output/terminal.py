"""Tables, sentences and steps of a trace, as wide as the terminal."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING

from .streams import one_line, quoted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from memhp.reference import Machine, Step
    from memhp.spec.language import System


def print_step(system: System, number: int, step: Step, before: Machine, after: Machine) -> None:
    """Print a step of a trace as a reader writes it, and only what it changed.

    Args:
        system: the specification.
        number: of the step, from 1.
        step: the step.
        before: the machine before it.
        after: and after it.
    """
    from memhp.reference.outcome import shown

    params = system.action_by_name[step.action].params
    tell(one_line(f"{number:3} {shown(step.action, params, step.params)}"))
    print_changes(before, after)


def tell(*texts: str, margin: int | None = None) -> None:
    """Print texts, each from a new line on.

    On a terminal a line that does not fit is broken between words; piped it is one line.

    Args:
        texts: what is printed.
        margin: of what follows where a line is broken; None: a little more than its own.
    """
    width = get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in (line for text in texts for line in text.split("\n")):
        if not width or len(line) <= width:
            print(line)
            continue
        hanging = len(line) - len(line.lstrip()) + 2 if margin is None else margin
        parts = wrap(
            line,
            width,
            subsequent_indent=" " * hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        print("\n".join(parts))


def print_changes(before: Machine, after: Machine) -> None:
    """Print what differs between two states of one machine, a line for each value."""
    from memhp.reference import diff

    for change in diff(before, after):
        tell(one_line(f"     {change}"))


def console() -> Console:
    """The console for tables: as wide as the terminal, or 200 columns when piped.

    Nothing is markup, and nothing foreign steers the terminal.
    """
    from .tables import Quoting

    return Quoting() if sys.stdout.isatty() else Quoting(width=200)


def coloured(text: str, style: str) -> Text:
    """A cell, or a part of one, in a style such as *red* or *bold*."""
    from rich.text import Text

    return Text(quoted(text), style)


def beside(*parts: str | Text) -> Text:
    """A cell of several parts, with a blank between."""
    from rich.text import Text

    texts = (part if isinstance(part, Text) else Text(quoted(part)) for part in parts)
    return Text(" ").join(texts)


def say(out: Console, line: str) -> None:
    """Print a sentence: wrapped between words on a terminal, one line when piped."""
    out.print(one_line(line), soft_wrap=not out.is_terminal)


def nobody_reads() -> bool:
    """Whether what is printed goes nowhere, so that work for it alone is in vain."""
    sys.stdout.flush()
    return getattr(sys.stdout, "error", None) is not None
