"""What kernels have shown as evidence: memhp's own record, and what it says of each scenario."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from memhp.spec.system import SYSTEM

from ..guest.platforms import version_of_qemu
from ..kernels.kernel import Kernel
from .results import Results, Seen, rules_of
from .scenarios import SCENARIOS, Scenario

__all__ = ["ScenarioEvidence", "evidence", "recorded", "results_of"]


@dataclass(frozen=True)
class ScenarioEvidence:
    """One scenario: the kernels that played it, and whether all of them agreed in all they did.

    ``earlier``: they were held against rules that have changed since.
    """

    scenario: Scenario
    kernels: tuple[str, ...]
    agrees: bool
    earlier: bool


def recorded() -> Results:
    """What memhp's own record says that kernels have shown (`kernels.json`)."""
    return Results.from_json(json.loads((files(__package__) / "kernels.json").read_text()))


def results_of(kernels: Iterable[Kernel], seen: Iterable[Seen]) -> Results:
    """What was seen today, with the QEMU of the first kernel and today's rules.

    Args:
        kernels: those that were held, at least one.
        seen: what they have shown.
    """
    qemu = version_of_qemu(next(iter(kernels)).arch)
    return Results(f"{datetime.now(UTC):%Y-%m-%d}", qemu, rules_of(SYSTEM), tuple(seen))


def evidence(results: Results) -> Iterator[ScenarioEvidence]:
    """What the results say of each scenario that a kernel has played."""
    earlier = results.rules != rules_of(SYSTEM)
    for scenario in SCENARIOS:
        answers = {
            seen.kernel: seen.scenarios[scenario.name] and seen.agrees
            for seen in results.kernels
            if scenario.name in seen.scenarios
        }
        if answers:
            yield ScenarioEvidence(scenario, tuple(answers), all(answers.values()), earlier)
