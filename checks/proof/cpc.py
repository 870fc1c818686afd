"""The account of a proof in CPC: what it takes for granted that the text which it refutes lacks.

A proof names terms (``define``) and variables (``@var``), the text of an obligation binds them.
Both are read into one table, in which equal terms have one number.  Of a proof nothing is read
but what cvc5 writes: a command that declares a rule of its own, or names anew what has a name,
could make a checker say yes to anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Account", "account"]

_TOKEN = re.compile(r'[()]|"[^"]*"|[^\s()"]+|"')
_UNREAD = re.compile(r"[^\n -~]|[;|\\]")
"""What has no place in a proof: comments and quoted names hide something from whoever counts."""
_NEGATIVE = re.compile(r"-[0-9]+")
_STEP, _TERM = re.compile("@p[0-9]+"), re.compile("@t[0-9]+")
_TRUST = re.compile(r"trust|hole|unknown|sorry|admit|oracle|macro", re.IGNORECASE)
_WITH: tuple[list[str], ...] = ([], [":premises"], [":args"], [":premises", ":args"])
"""What may follow a rule, each with a list."""


@dataclass(frozen=True)
class Account:
    """The number of steps of a proof, and what it takes for granted.

    ``trusted`` counts what gives no reason that a checker could look at: steps whose rule says so
    or cannot be read, and the end, where that is not *false* from what is assumed throughout.
    ``foreign`` counts the assumptions and declarations that are not in the text.
    """

    steps: int
    trusted: int
    foreign: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is taken for granted but the text."""
        return not (self.trusted or self.foreign)


def account(proof: str, text: str) -> Account:
    """The account of a proof in CPC, as a refutation of the assertions of an SMT-LIB 2 text.

    cvc5 prints a step without a reason as *trust*, whatever its own rule is called (*trust*,
    *trust_theory_rewrite*, *macro_…*).  What cannot be read as a proof has no step, and no reason.

    >>> text = "(declare-const a Bool) (assert (! (not a) :named goal))"
    >>> account("(assume @p1 a)\\n(step @p2 false :rule contra :premises (@p1))", text)
    Account(steps=1, trusted=0, foreign=1)
    >>> account("(assume @p1 (not a))\\n(step @p2 false :rule trust :premises (@p1))", text)
    Account(steps=1, trusted=1, foreign=0)
    """
    try:
        return _Reading(text).account(proof)
    except (IndexError, TypeError, KeyError, RecursionError, ValueError):
        return Account(0, 1, 0)


class _Reading:
    """A proof as far as it was read."""

    def __init__(self, text: str) -> None:
        self._table = table = _Table()
        self._granted = set[int]()
        for command in _read(text):
            match command:
                case ["assert", ["!", term, *_] | term]:
                    self._granted.add(table.of_text(term, {}))
                case ["declare-fun", name, [], result]:
                    self._granted.add(table.of_proof(["declare-const", name, result], {}))
                case ["declare-fun", name, [*domain], result]:
                    arrow = ["->", *domain, result]
                    self._granted.add(table.of_proof(["declare-const", name, arrow], {}))
                case ["declare-sort" | "declare-datatypes" | "declare-const", *_]:
                    self._granted.add(table.of_proof(command, {}))
        self._named: dict[str, int] = {}
        self._depth = self._steps = self._trusted = self._foreign = 0

    def account(self, proof: str) -> Account:
        """The account of the whole proof.

        Raises:
            ValueError: cvc5 would not write it so.
            IndexError, TypeError, KeyError: a list in it is too short, or of other things.
        """
        if _UNREAD.search(proof):
            raise ValueError("it is not as cvc5 writes it")
        command = None
        for command in _read(proof):
            self._take(command)
            if self._depth < 0:
                raise ValueError("it leaves a scope that it is not in")
        match command:
            case ["step", _, "false", ":rule", *_] if not self._depth:
                return Account(self._steps, self._trusted, self._foreign)
        return Account(self._steps, self._trusted + 1, self._foreign)

    def _take(self, command: Any) -> None:
        match command:
            case ["step" | "step-pop" as word, str(name), *rest] if _STEP.fullmatch(name):
                self._depth -= word == "step-pop"
                self._steps += 1
                self._trusted += not _gives_a_reason(rest)
            case ["define", str(name), [], term] if _TERM.fullmatch(name):
                if name in self._named:
                    raise ValueError("a name has two meanings")
                self._named[name] = self._table.of_proof(term, self._named)
            case ["assume", str(name), term] if _STEP.fullmatch(name):
                self._foreign += self._table.of_proof(term, self._named) not in self._granted
            case ["assume-push", str(name), _] if _STEP.fullmatch(name):
                self._depth += 1
            case ["declare-sort" | "declare-datatypes" | "declare-const", *_]:
                self._foreign += self._table.of_proof(command, {}) not in self._granted
            case _:
                raise ValueError("a command of the proof is not known")


def _gives_a_reason(rest: list[Any]) -> bool:
    """Whether a step does, by what follows its name: a conclusion, if any, and a rule."""
    match rest if rest[:1] == [":rule"] else rest[1:]:
        case [":rule", str(rule), *more]:
            words, lists = more[::2], more[1::2]
            whole = words in _WITH and len(words) == len(lists)
            return whole and all(isinstance(each, list) for each in lists) and not _trust(rule)
    return False


@lru_cache(maxsize=1000)
def _trust(rule: str) -> bool:
    return bool(_TRUST.search(rule))


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
            command = stack.pop()
            if stack:
                stack[-1].append(command)
            else:
                yield command
        else:
            stack[-1].append(token)
    if stack:
        raise ValueError("it ends too early")
