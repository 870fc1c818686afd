"""How many steps a second hypothesis itself does, with rules that do nothing."""

from __future__ import annotations

from time import process_time
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as use_seed
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from hypothesis.strategies import integers


class Bare(RuleBasedStateMachine):
    """Counts the steps of its rules."""

    steps = 0


def _rule(number: int) -> Any:
    def nothing(self: Bare, place: int) -> None:
        Bare.steps += 1

    nothing.__name__ = f"rule{number}"
    return rule(place=integers(0, 1 << 20))(nothing)


def bare(rules: int, steps: int, seed: int) -> int:
    """Take about that many steps, with so many rules that each draw one number; how many."""
    kind = type("BareRules", (Bare,), {f"rule{n}": _rule(n) for n in range(rules)})
    chosen = settings(
        max_examples=steps // 50,
        stateful_step_count=50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    Bare.steps = 0
    run_state_machine_as_test(use_seed(seed)(kind), settings=chosen)
    return Bare.steps


if __name__ == "__main__":
    started = process_time()
    print(f"{bare(50, 12_000, 1) / (process_time() - started):,.0f} steps a second")
