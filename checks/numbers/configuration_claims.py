"""Proves the claims on Kconfig's rules with z3, for every configuration that they allow (U6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memhp.spec.numbers.kconfig import (
    ARCHITECTURE_SYMBOLS,
    CAPABILITIES,
    OPTIONS,
    RELEASES,
    rules,
)
from memhp.spec.numbers.kconfig_claims import CLAIMS, ConfigurationClaim
from memhp.spec.numbers.kconfig_language import Option, evaluate, names, parse
from memhp.spec.numbers.kernel_releases import Release

from ..proof.solvers import interruptible
from ..support.verdicts import Verdict, combine
from .configuration import Kernel, capability, cone, kernel
from .configuration_plan import Encoding, plan

__all__ = [
    "ConfigurationResult",
    "every_capability_is_possible",
    "no_smaller_set_exists",
    "prove_configuration_claim",
    "prove_configuration_claims",
]

_RESOURCES = 50_000_000


@dataclass(frozen=True)
class ConfigurationResult:
    """The verdict on a claim about configurations.

    Of a refuted claim, ``case`` is an architecture and release on which it breaks, and
    ``options`` are on in a configuration that breaks it.
    """

    claim: ConfigurationClaim
    verdict: Verdict
    case: tuple[str, tuple[int, ...]] | None = None
    options: tuple[str, ...] = ()


def every_configuration(options: Sequence[Option], architecture: str) -> tuple[Encoding, Any]:
    """The encoding of any configuration of the options, and a z3 solver that has their rules.

    The user's settings are free, as are the values of options without a rule, and what
    these select.
    """
    import z3

    its = {option.name: option for option in options}
    read = {n for o in options for term in (o.depends, o.default, o.prompt) for n in names(term)}
    symbols = {symbol for group in ARCHITECTURE_SYMBOLS.values() for symbol in group}
    never = {option.name for option in OPTIONS} - set(its)
    facts: dict[str, Any] = {
        name: z3.Int(f"fact {name}") for name in {"MODULES", *read} - set(its) - symbols - never
    }
    floors = {name: z3.Int(f"floor {name}") for name, o in its.items() if o.selected_elsewhere}
    fixed = dict.fromkeys(ARCHITECTURE_SYMBOLS[architecture], 2)
    encoding = Encoding(Kernel(its, {}, {**facts, **fixed}, floors))
    solver = interruptible(z3.Solver())
    solver.set("rlimit", _RESOURCES)
    solver.add(*encoding.constraints)
    for term in (*facts.values(), *floors.values(), *encoding.to.values()):
        solver.add(term >= 0, term <= 2)
    return encoding, solver


def prove_configuration_claim(claim: ConfigurationClaim) -> ConfigurationResult:
    """The verdict on a claim, for all configurations of each architecture and release it names.

    The first of these on which it fails decides.
    """
    unknown = None
    wanted = [*names(parse(claim.given)), *names(parse(claim.then))]
    for architecture, version, options in _distinct(claim.cases, wanted):
        encoding, solver = every_configuration(options, architecture)
        given, then = (
            evaluate(parse(text), encoding.values, encoding.choose)
            for text in (claim.given, claim.then)
        )
        solver.add(encoding.z3.And(given > 0, then == 0))
        answer = str(solver.check())
        if answer == "sat":
            model = solver.model()
            on = tuple(o.name for o in options if model[encoding.values[o.name]].as_long() > 0)
            return ConfigurationResult(claim, Verdict.refuted, (architecture, version), on)
        if answer == "unknown":
            unknown = (architecture, version)
    if unknown is not None:
        return ConfigurationResult(claim, Verdict.undetermined, unknown)
    return ConfigurationResult(claim, Verdict.proved)


def _distinct(
    cases: Iterable[tuple[str, Release]], wanted: Sequence[str]
) -> Iterator[tuple[str, Release, tuple[Option, ...]]]:
    """The cases with the rules on which the wanted options depend, each set of rules once."""
    seen = set()
    for architecture, version in cases:
        options = tuple(cone(rules(architecture, version), wanted).values())
        if (architecture, options) not in seen:
            seen.add((architecture, options))
            yield architecture, version, options


_CASES = tuple((name, release) for release in reversed(RELEASES) for name in ARCHITECTURE_SYMBOLS)


def prove_configuration_claims() -> list[ConfigurationResult]:
    """Every claim of `spec/numbers/kconfig_claims.py` with its verdict, in their order."""
    return [prove_configuration_claim(claim) for claim in CLAIMS]


def possible_somewhere(name: str) -> tuple[str, tuple[int, ...]] | None:
    """An architecture and release on which some configuration gives the capability; None if none.

    Raises:
        KeyError: there is no such capability.
    """
    needed = list(names(capability(name).needs))
    for architecture, version, options in _distinct(_CASES, needed):
        encoding, solver = every_configuration(options, architecture)
        solver.add(encoding.gives(name))
        if str(solver.check()) == "sat":
            return architecture, version
    return None


def every_capability_is_possible() -> tuple[str, Verdict, str]:
    """The verdict that some configuration gives each capability, so that no claim on one is empty.

    Returns:
        the claim's name, its verdict, and a detail for a reader.
    """
    never = [c.name for c in CAPABILITIES if possible_somewhere(c.name) is None]
    verdict = Verdict.refuted if never else Verdict.holds
    return ("every_capability_is_possible", verdict, f"{len(CAPABILITIES) - len(never)} reached")


def no_smaller_set_exists() -> tuple[str, Verdict, str]:
    """The verdict that `plan` is smallest for hot-remove, from a bare file, by all releases' rules.

    The plan is z3's optimiser's; a plain solver is asked for a smaller one.

    Returns:
        the claim's name, its verdict, and a detail for a reader.
    """
    verdicts = [
        fewest(kernel(architecture, version, {"MODULES": 2, "MEMORY_HOTPLUG": 0}), ["hot-remove"])
        for architecture, version, _ in _distinct(_CASES, ["MEMORY_HOTREMOVE"])
    ]
    return ("no_smaller_set_exists", combine(verdicts), f"{len(verdicts)} cases")


def fewest(kernel: Kernel, wanted: Sequence[str]) -> Verdict:
    """The verdict that no set of changes for the wanted capabilities is smaller than `plan`'s.

    It is *undetermined* if z3 gives up.
    """
    import z3

    changes = plan(kernel, wanted).changes
    encoding = Encoding(kernel)
    solver = interruptible(z3.Solver())
    solver.set("rlimit", _RESOURCES)
    solver.add(*encoding.constraints, *encoding.changes)
    solver.add(*(encoding.gives(name) for name in wanted))
    if changes is not None:
        solver.add(encoding.count < len(changes))
    answer = solver.check()
    if answer == z3.unknown:
        return Verdict.undetermined
    return Verdict.proved if answer == z3.unsat else Verdict.refuted
