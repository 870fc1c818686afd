"""The judgement on a configuration: each capability works, is missing, impossible or unknown (U6).

The rules of a release that was read decide.  Of a release between two that were read both
must agree; of a later one, and of a vendor's, the answer may be *unknown*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from memhp.spec.numbers.kconfig import CAPABILITIES, REPLACED, Capability, every_range
from memhp.spec.numbers.kconfig_language import evaluate
from memhp.spec.numbers.kernel_releases import (
    READ,
    Release,
    dots,
    judges,
    later_than_read,
    ranges_shown,
)

from .configuration import (
    Kernel,
    absent,
    choose,
    comes_later,
    kernel,
    missing,
    settle,
    works,
)
from .configuration_plan import Plan, impossible, plan

__all__ = ["Answer", "Judgement", "Stranger", "judge", "proposal"]

State = Literal["works", "missing", "impossible", "unknown"]


@dataclass(frozen=True)
class Answer:
    """The judgement on one capability: its state, the options that it lacks, and why."""

    capability: Capability
    state: State
    lacks: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Stranger:
    """An option that the file sets and the kernel does not have: it counts as not set."""

    name: str
    where: str
    """The releases that have it on this architecture; empty if none has."""
    instead: str
    """The option that stands in its place there; empty if there is none."""


@dataclass(frozen=True)
class Judgement:
    """The answers, in the order of `CAPABILITIES`, and the kernels whose rules gave them."""

    answers: tuple[Answer, ...]
    kernels: tuple[Kernel, ...]
    strangers: tuple[Stranger, ...]


View = Callable[[Kernel, str], Answer]


def whole(kernel: Kernel, name: str) -> Answer:
    """The answer of a whole configuration on a capability, by the rules of one release."""
    each = next(c for c in CAPABILITIES if c.name == name)
    if works(kernel, name):
        return Answer(each, "works")
    try:
        why = impossible(kernel, name)
    except ModuleNotFoundError as error:
        why = f"it lacks options; whether there is a way is not known: {_lacks(error)}"
        return Answer(each, "unknown", missing(kernel, name), why)
    return Answer(each, "impossible" if why else "missing", missing(kernel, name), why)


def _lacks(error: ModuleNotFoundError) -> str:
    return f"{error.name}, which finds it, is not installed"


def judge(
    architecture: str,
    version: Release,
    file: Mapping[str, int],
    *,
    vendor: str = "",
    view: View = whole,
) -> Judgement:
    """The judgement on each capability, and the options in the file that the kernel lacks.

    Args:
        architecture: one of `ARCHITECTURE_SYMBOLS`.
        version: the kernel's.
        file: the options' values (0: n, 1: m, 2: y), in the file's order.
        vendor: the suffix of the version, if it is more than a release candidate's number:
            such a kernel may have taken over options of later releases.
        view: answers on a capability, by the rules of one release.

    Raises:
        ValueError: the kernel is a 32-bit one.
    """
    kernels = tuple(kernel(architecture, each, file) for each in judges(version))
    answers = tuple(_answer(each, version, kernels, vendor, view) for each in CAPABILITIES)
    strangers = tuple(_stranger(name, architecture, kernels) for name in _foreign(kernels))
    return Judgement(answers, kernels, strangers)


def _answer(
    each: Capability, version: Release, kernels: Sequence[Kernel], vendor: str, view: View
) -> Answer:
    if not kernels:
        return Answer(each, "unknown", why=_before(each, version))
    views = [view(kernel, each.name) for kernel in kernels]
    lacks = tuple(dict.fromkeys(name for one in views for name in one.lacks))
    if later_than_read(version):
        words = _in_words(views[0])
        why = f"Linux {dots(version)} was not read; by the rules of {dots(READ[-1])} it {words}"
        return Answer(each, "unknown", lacks, why)
    if len({one.state for one in views}) > 1:
        words = ", ".join(
            f"by those of {dots(kernel.version)} it {_in_words(one)}"
            for kernel, one in zip(kernels, views, strict=True)
        )
        why = f"the rules of Linux {dots(version)} were not read: {words}"
        return Answer(each, "unknown", lacks, why)
    answer = replace(views[0], lacks=lacks)
    if taken := _perhaps_taken_over(kernels[-1], answer) if vendor else ():
        shown = ", ".join(f"CONFIG_{name}" for name in taken)
        why = f"Linux {dots(version)} has no {shown}; whether {vendor!r} brings it is not known"
        return Answer(each, "unknown", lacks, why)
    return answer


def _in_words(one: Answer) -> str:
    return {"works": "works", "missing": "lacks options", "impossible": "cannot be"}.get(
        one.state, "depends on the rest"
    )


def _before(each: Capability, version: Release) -> str:
    """Why nothing is known of a kernel that is older than the rules that were read."""
    now, seen = dots(version), dots(each.seen)
    if version >= each.seen:
        return f"Linux {seen} has options for it; what {now} asks of them was not read"
    return f"the oldest Linux read with options for it is {seen}; {now} was not read"


def _perhaps_taken_over(kernel: Kernel, answer: Answer) -> tuple[str, ...]:
    """Options of later releases that a vendor's kernel would need for another answer."""
    if answer.state == "works":
        return ()
    wanted = absent(kernel, answer.capability.name)
    return tuple(
        name
        for name in wanted
        if comes_later(kernel, name) and (answer.state == "impossible" or name in kernel.foreign)
    )


def _foreign(kernels: Sequence[Kernel]) -> list[str]:
    """The names of the file's options that none of the kernels has."""
    sets = [set(kernel.foreign) for kernel in kernels]
    return [
        name for name in (kernels[0].foreign if kernels else ()) if all(name in s for s in sets)
    ]


def _stranger(name: str, architecture: str, kernels: Sequence[Kernel]) -> Stranger:
    where = every_range(name, architecture)
    instead = REPLACED.get(name, "")
    replaces = all(instead in kernel.rules for kernel in kernels)
    return Stranger(name, ranges_shown(where) if where else "", instead if replaces else "")


def proposal(judgement: Judgement, wanted: Sequence[str]) -> Plan:
    """A smallest set of changes for the wanted capabilities, by the rules of each of its kernels.

    `Plan.changes` is None where there is none, or where releases on both sides of the version
    ask for different ones.
    """
    kernels = judgement.kernels
    if not kernels:
        return Plan(None, {}, because="the rules of so old a kernel were not read")
    try:
        plans = [plan(kernel, wanted) for kernel in kernels]
    except ModuleNotFoundError as error:
        return Plan(None, {}, because=_lacks(error))
    for proposed in plans:
        if proposed.changes is not None and all(
            _serves(kernel, proposed.changes, wanted) for kernel in kernels
        ):
            return proposed
    if len(plans) == 1:
        return plans[0]
    if without := [proposed.because for proposed in plans if proposed.changes is None]:
        return Plan(None, {}, because="; ".join(without))
    shown = " and ".join(dots(kernel.version) for kernel in kernels)
    return Plan(None, {}, because=f"the rules of {shown} ask for different changes")


def _serves(kernel: Kernel, changes: Mapping[str, int], wanted: Sequence[str]) -> bool:
    """The changes stay, and give what is wanted, by these rules."""
    if not all(name in kernel.rules for name in changes):
        return False
    after = settle(kernel, changes)
    needs = [c.needs for c in CAPABILITIES if c.name in wanted]
    stays = all(after[name] == value for name, value in changes.items())
    return stays and all(evaluate(term, after, choose) > 0 for term in needs)
