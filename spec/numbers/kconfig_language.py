"""How Kconfig gives every option its value: terms, options, and the one rule that they follow.

A value is 0 (n), 1 (m) or 2 (y): `&&` is the smaller, `||` the larger, `!x` is 2 - x.
The rule is written with operators that plain integers and solver terms share;
`choose(condition, a, b)` is the one helper that it is given.

Sources: Documentation/kbuild/kconfig-language.rst; scripts/kconfig/symbol.c (sym_calc_value,
sym_calc_choice), scripts/kconfig/expr.c (expr_calc_value).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from .kernel_releases import Ranges, Release, inside, ranges

__all__ = [
    "Expression",
    "Option",
    "Selection",
    "Wish",
    "chosen",
    "evaluate",
    "names",
    "option",
    "parse",
    "settled",
]

Value = Any
"""0, 1 or 2, or an integer term of a solver."""
Choose = Callable[[Any, Value, Value], Value]


@dataclass(frozen=True)
class Expression:
    """An operator (`!`, `&&`, `||`) with its parts, or a name."""

    operator: str
    parts: tuple[Expression, ...] = ()


def parse(text: str) -> Expression:
    """The expression that a dependency is, as Kconfig writes it.

    Raises:
        ValueError: if the text is none.

    >>> parse("A && !B").operator
    '&&'
    """
    tokens = re.findall(r"\w+|&&|\|\||[!()]|\S", text)
    expression = _either(tokens)
    if tokens:
        raise ValueError(f"{text!r}: {tokens[0]!r} is not expected")
    return expression


def _either(tokens: list[str]) -> Expression:
    parts = [_both(tokens)]
    while tokens[:1] == ["||"]:
        del tokens[0]
        parts.append(_both(tokens))
    return parts[0] if len(parts) == 1 else Expression("||", tuple(parts))


def _both(tokens: list[str]) -> Expression:
    parts = [_one(tokens)]
    while tokens[:1] == ["&&"]:
        del tokens[0]
        parts.append(_one(tokens))
    return parts[0] if len(parts) == 1 else Expression("&&", tuple(parts))


def _one(tokens: list[str]) -> Expression:
    token = tokens.pop(0) if tokens else "the end"
    if token == "!":
        return Expression("!", (_one(tokens),))
    if token == "(":
        inside = _either(tokens)
        if tokens[:1] != [")"]:
            raise ValueError("a parenthesis is not closed")
        del tokens[0]
        return inside
    if not re.fullmatch(r"\w+", token) or token == "the end":
        raise ValueError(f"a name is expected, not {token!r}")
    return Expression(token)


def names(term: Expression) -> Iterator[str]:
    """The names of the options that a term reads, in order, as often as it reads them."""
    if not term.parts and term.operator not in ("y", "m", "n"):
        yield term.operator
    for part in term.parts:
        yield from names(part)


def evaluate(term: Expression, values: Mapping[str, Value], choose: Choose) -> Value:
    """The value of a term; an option that is not in `values` is n.

    >>> evaluate(parse("A && !B"), {"A": 2, "B": 1}, lambda c, a, b: a if c else b)
    1
    """
    if not term.parts:
        return {"n": 0, "m": 1, "y": 2}.get(term.operator, values.get(term.operator, 0))
    parts = [evaluate(part, values, choose) for part in term.parts]
    if term.operator == "!":
        return 2 - parts[0]
    result = parts[0]
    for part in parts[1:]:
        result = choose((part < result) == (term.operator == "&&"), part, result)
    return result


@dataclass(frozen=True)
class Selection:
    """`select` in another option's rule: raises ``option`` as far as ``condition`` allows."""

    option: str
    condition: Expression


@dataclass(frozen=True)
class Option:
    """What Kconfig says of an option, on some architectures and in some ranges of releases."""

    name: str
    prompt: Expression
    """When the user is asked; n for an option that only follows others."""
    depends: Expression
    default: Expression
    selects: tuple[Selection, ...]
    source: str
    tristate: bool = False
    """It may be m."""
    architectures: tuple[str, ...] = ()
    """None: all."""
    releases: Ranges = (((0, 0, 0), None),)
    """Where the option exists with this rule."""
    choice: str = ""
    """Exactly one option of a choice is y; the first one that can be is its default."""
    selected_elsewhere: bool = False
    """Options without a rule here select it too."""
    risk: int = 0
    """Of equally small changes, one to an option of less risk is proposed."""

    @property
    def asked(self) -> bool:
        """A user can set it."""
        return self.prompt != Expression("n")

    def applies(self, architecture: str, version: Release) -> bool:
        """The rule is that of this architecture and version."""
        where = not self.architectures or architecture in self.architectures
        return where and inside(version, self.releases)


class Rare(TypedDict, total=False):
    """What few options are, by the names that `Option` has for it."""

    tristate: bool
    choice: str
    selected_elsewhere: bool
    risk: int


def option(
    name: str,
    source: str,
    *,
    prompt: str = "n",
    depends: str = "y",
    default: str = "n",
    selects: Iterable[str] = (),
    only: str = "",
    when: str = "..",
    **rare: Unpack[Rare],
) -> Option:
    """An option's rule as Kconfig writes it.

    Args:
        name: without ``CONFIG_``.
        source: the Kconfig file.
        prompt: when the user is asked; n for an option that only follows others.
        depends: every ``depends on``, those of enclosing menus too.
        default: what it is without a user's wish.
        selects: "NAME" or "NAME if CONDITION".
        only: the architectures that have it; all if empty.
        when: ranges of releases, see `ranges`.
        rare: what few options are, see `Rare`.

    Raises:
        ValueError: if an expression is none.
    """
    pairs = [(*text.split(" if "), "y")[:2] for text in selects]
    return Option(
        name,
        parse(prompt),
        parse(depends),
        parse(default),
        tuple(Selection(other, parse(condition)) for other, condition in pairs),
        source,
        architectures=tuple(only.split()),
        releases=ranges(when),
        **rare,
    )


@dataclass(frozen=True)
class Wish:
    """What the user sets an option to: ``to`` if it is ``new``, or else what the file says."""

    new: Value
    to: Value
    old: Value | None
    """None: the file does not mention it."""
    floor: Value = 0
    """What options without a rule select it to."""


def _smaller(a: Value, b: Value, choose: Choose) -> Value:
    return choose(a < b, a, b)


def _larger(a: Value, b: Value, choose: Choose) -> Value:
    return choose(a < b, b, a)


def settled(
    option: Option,
    values: Mapping[str, Value],
    wish: Wish,
    selected_by: Sequence[tuple[str, Expression]],
    choose: Choose,
) -> Value:
    """The value of an option outside of choices, from the other values and the user's wish.

    Args:
        selected_by: the options that select it, each with the condition.

    Source: scripts/kconfig/symbol.c, sym_calc_value.
    """
    depends = evaluate(option.depends, values, choose)
    asked = _smaller(depends, evaluate(option.prompt, values, choose), choose)
    default = _smaller(depends, evaluate(option.default, values, choose), choose)
    mine = choose(wish.new, wish.to, default if wish.old is None else wish.old)
    result = choose(asked > 0, _smaller(mine, asked, choose), default)
    result = _larger(result, wish.floor, choose)
    for name, condition in selected_by:
        selected = _smaller(values[name], evaluate(condition, values, choose), choose)
        result = _larger(result, selected, choose)
    modules = values.get("MODULES", 0)
    whole = choose(result > 0, 2, 0)
    return choose(modules > 0, result, whole) if option.tristate else whole


def chosen(
    members: Sequence[Option],
    values: Mapping[str, Value],
    wishes: Mapping[str, Wish],
    choose: Choose,
) -> dict[str, Value]:
    """The values of a choice's members by name: one is y; a new wish wins over what the file says.

    Source: scripts/kconfig/symbol.c, sym_calc_choice.
    """
    scores = []
    for member in members:
        wish = wishes[member.name]
        old = 1 if wish.old == 2 else 0
        score = choose(wish.new, choose(wish.to > 0, 2, old), old)
        asked = evaluate(member.depends, values, choose)
        scores.append(choose(asked > 0, score, -1))
    best, result = -1, {}
    for score in scores:
        best = _larger(score, best, choose)
    taken: Value = False
    for member, score in zip(members, scores, strict=True):
        first = choose(taken, 0, choose(score == best, 2, 0))
        on = choose(score < 0, 0, first)
        taken = choose(on > 0, True, taken)
        result[member.name] = on
    return result
