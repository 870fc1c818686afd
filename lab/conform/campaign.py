"""A campaign on one kernel: a random walk, its findings made shorter, and the scenarios.

Ctrl-C ends what is being done and nothing else: what was seen until then is shown and kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from memhp.spec.system import SYSTEM

from ..kernels.kernel import Kernel
from .report import Disagreement, Report, Tally
from .results import Seen
from .scenarios import Check, Scenario, run, scenarios_of
from .shrink import shrunk
from .target import KernelTarget, Operation
from .walk import walk

__all__ = ["Campaign", "Finding", "Held", "hold"]

_SHRUNK = 3
"""How many disagreements are made shorter."""
_SHRINKING_SECONDS = 60.0
"""For how long each of them is."""


@dataclass(frozen=True)
class Finding:
    """A disagreement, or a lost guest: all operations since its boot, and what is said of it.

    ``shorter``: it is the finding before, after fewer operations.
    """

    kind: Literal["disagreement", "lost"]
    operations: tuple[Operation, ...]
    report: str
    shorter: bool = False


@dataclass(frozen=True)
class Held:
    """How a campaign on one kernel ended, told after it.

    ``checks`` are those that failed, each with the scenario that it is of; ``too_often`` are the
    operations of `Report.changed_too_often`.
    """

    seen: Seen
    findings: tuple[Finding, ...]
    too_often: Mapping[str, Tally]
    checks: tuple[tuple[str, Check], ...]


class Campaign:
    """What is done on a kernel, and how it went.

    Attributes:
        kernel: the kernel, which is booted anew for each part.
        seed: what the walk draws its operations from.
        report: how the walk went.
        checks: those of each scenario that was played to its end.
        stopped: somebody pressed Ctrl-C.
    """

    def __init__(self, kernel: Kernel, seed: int) -> None:
        self.kernel, self.seed = kernel, seed
        self.report = Report()
        self.checks: dict[Scenario, tuple[Check, ...]] = {}
        self.stopped = False

    def walk(
        self, steps: int, *, seconds: float = math.inf, progress: Callable[[Report], None]
    ) -> None:
        """Do random operations, compared with the reference.

        Args:
            steps: how many, at most.
            seconds: for how long, at most.
            progress: called with the report after each.

        Raises:
            LabError: the first guest does not boot.
        """

        def note(report: Report) -> None:
            self.report = report
            progress(report)

        try:
            with KernelTarget(self.kernel) as target:
                walk(target, SYSTEM, steps, self.seed, seconds=seconds, progress=note)
        except KeyboardInterrupt:
            self.stopped = True

    def findings(self, note: Callable[[str], None]) -> Iterator[Finding]:
        """The lost guests and disagreements of the walk, the first few made shorter, too.

        Args:
            note: called with a line of progress, and with "" when that is over.
        """
        for lost in self.report.lost:
            yield Finding("lost", lost.operations, lost.why)
        for number, disagreement in enumerate(self.report.disagreements):
            yield Finding("disagreement", disagreement.operations, str(disagreement))
            if number < _SHRUNK and not self.stopped:
                short = self._shorter(disagreement, note)
                if short is not disagreement:
                    yield Finding("disagreement", short.operations, str(short), shorter=True)

    def _shorter(self, disagreement: Disagreement, note: Callable[[str], None]) -> Disagreement:
        note("the disagreement is made shorter")
        try:
            with KernelTarget(self.kernel) as target:
                return shrunk(target, SYSTEM, disagreement, seconds=_SHRINKING_SECONDS)
        except KeyboardInterrupt:
            self.stopped = True
            return disagreement
        finally:
            note("")

    def play(self, scenarios: Iterable[Scenario], note: Callable[[str], None]) -> None:
        """Play the scenarios, none if the campaign was stopped.

        Args:
            scenarios: those that the kernel can show (`scenarios_of`).
            note: called with a line of progress, and with "" when that is over.
        """
        try:
            for scenario in () if self.stopped else scenarios:
                note(scenario.name)
                self.checks[scenario] = run(scenario, self.kernel, SYSTEM)
        except KeyboardInterrupt:
            self.stopped = True
        note("")

    def seen(self) -> Seen:
        """What the kernel has shown, as it is kept."""
        version = self.kernel.version or "unknown"
        return Seen.of(
            self.kernel.name, version, self.seed, self.report, self.checks, stopped=self.stopped
        )

    @property
    def failed(self) -> tuple[tuple[str, Check], ...]:
        """The checks that failed, each with the scenario that it is of."""
        return tuple(
            (scenario.name, check)
            for scenario, checks in self.checks.items()
            for check in checks
            if not check.agrees
        )


def hold(kernel: Kernel, steps: int, seed: int, play: bool) -> Held:
    """A whole campaign on a kernel, where nobody watches it: on a worker of a cluster.

    Args:
        kernel: the kernel.
        steps: how many random operations, at most.
        seed: what they are drawn from.
        play: whether its scenarios are played, too.

    Raises:
        LabError: the first guest does not boot, or something that a scenario needs is not here.
    """
    campaign = Campaign(kernel, seed)
    scenarios = scenarios_of(kernel) if play else ()
    campaign.walk(steps, progress=lambda report: None)
    findings = tuple(campaign.findings(lambda text: None))
    campaign.play(scenarios, lambda text: None)
    return Held(campaign.seen(), findings, campaign.report.changed_too_often, campaign.failed)
