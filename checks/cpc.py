"""What a proof in CPC takes for granted, compared with the text that it is said to refute.

A proof names terms (``define``) and variables (``@var``), the text of an obligation binds them.
Both are read into one table, in which equal terms have one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["foreign"]

_TOKEN = re.compile(r'[()]|"[^"]*"|[^\s()"]+')
_NEGATIVE = re.compile(r"-[0-9]+")


def foreign(proof: str, text: str) -> int:
    """How many assumptions of the proof are no assertion of the SMT-LIB text.

    Raises ValueError if one of them cannot be read.

    >>> text = "(declare-const a Bool) (assert (! (not a) :named goal))"
    >>> foreign("(define @t1 () (not a)) (assume @p1 @t1)", text)
    0
    >>> foreign("(assume @p1 a)", text)
    1
    """
    table = _Table()
    try:
        asserted = {
            table.of_text(command[1][1] if command[1][0] == "!" else command[1], {})
            for command in _read(text)
            if command[0] == "assert"
        }
        named: dict[str, int] = {}
        count = 0
        for command in _read(proof):
            match command:
                case ["define", str(name), [], term]:
                    named[name] = table.of_proof(term, named)
                case ["assume", _, term]:
                    count += table.of_proof(term, named) not in asserted
                case ["assume-push" | "step" | "step-pop", *_]:
                    pass
                case [str(word), *_] if word.startswith("declare-"):
                    pass
                case _:
                    raise ValueError("a command of the proof is not known")
    except (IndexError, TypeError, KeyError, RecursionError):
        raise ValueError("the proof or its text cannot be read") from None
    return count


class _Table:
    """Terms by number: a token, or the numbers of the parts."""

    def __init__(self) -> None:
        self._numbers: dict[str | tuple[int, ...], int] = {}

    def _number(self, key: str | tuple[int, ...]) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def of_proof(self, term: Any, named: Mapping[str, int]) -> int:
        """A term of the proof, whose names stand for others."""
        if isinstance(term, str):
            if term in named:
                return named[term]
            if _NEGATIVE.fullmatch(term):
                return self._number((self._number("-"), self._number(term[1:])))
            return self._number(term)
        return self._number(tuple(self.of_proof(part, named) for part in term))

    def of_text(self, term: Any, bound: Mapping[str, int]) -> int:
        """A term of the text, as the proof would have it."""
        if isinstance(term, str):
            return bound[term] if term in bound else self._number(term)
        if term[0] in ("forall", "exists"):
            new = {name: self._var(name, sort) for name, sort in term[1]}
            variables = self._number((self._number("@list"), *new.values()))
            body = self.of_text(term[2], {**bound, **new})
            return self._number((self._number(term[0]), variables, body))
        return self._number(tuple(self.of_text(part, bound) for part in term))

    def _var(self, name: str, sort: str) -> int:
        parts = ("@var", f'"{name}"', sort)
        return self._number(tuple(self._number(part) for part in parts))


def _read(text: str) -> Iterator[Any]:
    """The commands, as lists of lists and tokens."""
    stack: list[list[Any]] = []
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            if stack:
                stack[-1].append(done)
            else:
                yield done
        else:
            stack[-1].append(token)
    if stack:
        raise ValueError("it ends too early")
