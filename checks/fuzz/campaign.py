"""A campaign: many pieces of work on all cores, that can be stopped, and continued.

A piece is a number of operations on one machine with a seed of its own, so that
any piece can be done again, anywhere.  What is kept between runs is the number
of the next piece, the pieces that were begun and not finished, and what was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from memhp.checks.parallel import workers
from memhp.spec.profiles import DEFAULT, system_of

from .pieces import Piece
from .record import Record
from .rules import rules_for
from .targets import target_named
from .told import Untold, in_both
from .topologies import SHAPES, built
from .walk import walk

__all__ = ["Campaign", "CampaignError", "do", "run"]

_VERSION = 2
OPERATIONS = {"walk": 10_000, "hypothesis": 1_000}
"""How many operations a piece has, more or less, in either mode."""


class CampaignError(ValueError):
    """A kept campaign is malformed, or another one; the message is one line."""


@dataclass
class Campaign:
    """What is done, and how: a mode of `OPERATIONS`, a target, a seed, the profile to compare with.

    ``following`` is the number of the next piece; ``begun`` are those before it that
    are not finished: a campaign that goes on does them first.  ``untold`` is, for each
    machine, what the target has not told.
    """

    mode: str
    target: str
    seed: int
    following: int = 0
    steps: int = 0
    changed: int = 0
    answers: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    untold: dict[str, Untold] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    record: Record | None = None
    profile: str = DEFAULT

    def add(self, piece: Piece) -> None:
        """Count what a piece did."""
        self.steps += piece.steps
        self.changed += piece.changed
        self.answers.update(piece.answers)
        self.untold[piece.topology] = in_both(
            piece.untold, self.untold.get(piece.topology, piece.untold)
        )
        self.record = self.record or piece.record

    def to_json(self) -> dict[str, Any]:
        """What `from_json` needs to go on; without what diverged, for a record keeps that."""
        answers = [[name, errno, count] for (name, errno), count in self.answers.items()]
        return {
            "memhp": "campaign",
            "version": _VERSION,
            "mode": self.mode,
            "target": self.target,
            "seed": self.seed,
            "profile": self.profile,
            "next": self.following,
            "begun": sorted(self.begun),
            "steps": self.steps,
            "changed": self.changed,
            "answers": sorted(answers, key=str),
            "untold": {
                machine: {name: sorted(places) for name, places in untold.items()}
                for machine, untold in self.untold.items()
            },
        }

    @classmethod
    def from_json(cls, document: object) -> Campaign:
        """The campaign in a document.  Raises CampaignError if it is malformed."""
        if not isinstance(document, dict) or document.get("memhp") != "campaign":
            raise CampaignError("this is no campaign that memhp wrote")
        if document.get("version") != _VERSION or document.get("mode") not in OPERATIONS:
            raise CampaignError(f"this is no campaign of version {_VERSION}")
        try:
            seed, following = int(document["seed"]), int(document["next"])
            steps, changed = int(document["steps"]), int(document["changed"])
            rows = {(str(name), errno): int(count) for name, errno, count in document["answers"]}
            untold = {
                machine: {name: set(map(int, places)) for name, places in of.items()}
                for machine, of in document["untold"].items()
            }
            begun = set(map(int, document["begun"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise CampaignError("the campaign's counts are missing or no numbers") from None
        mode, target = str(document["mode"]), str(document.get("target"))
        found = cls(mode, target, seed, following, steps, changed, Counter(rows), untold, begun)
        found.profile = str(document.get("profile", DEFAULT))
        return found


def do(mode: str, target: str, seed: int, number: int, profile: str = DEFAULT) -> Piece:
    """One piece: the machines take turns."""
    name = list(SHAPES)[number % len(SHAPES)]
    own, system = seed * 1_000_003 + number, system_of(profile)
    if mode == "hypothesis":
        from .conformance import explored

        return explored(target_named(target), name, OPERATIONS[mode], own, system)
    made = target_named(target)
    rules = rules_for(getattr(made, "operations", None))
    found = walk(system, made, built(name), steps=OPERATIONS[mode], seed=own, rules=rules)
    diverged = found.divergence
    record = None if diverged is None else Record.of(system, built(name), own, diverged)
    return Piece(name, found.steps, found.changed, found.answers, found.untold, record)


def run(
    campaign: Campaign, *, steps: int | None, seconds: float | None, jobs: int
) -> Iterator[Campaign]:
    """Go on until something diverges, the steps are done, or the time is up.

    The campaign is the one that was given, after each piece that is finished; whoever
    stops it before the end finds the pieces that were not finished in its ``begun``.
    """
    end = None if seconds is None else monotonic() + seconds
    pool = workers(jobs)
    waiting: dict[Future[Piece], int] = {}
    again = sorted(campaign.begun)

    def more() -> bool:
        asked = campaign.steps + len(waiting) * OPERATIONS[campaign.mode]
        enough = steps is not None and asked >= steps
        late = end is not None and monotonic() >= end
        return not (enough or late or campaign.record) and len(waiting) < jobs

    try:
        while True:
            while more():
                number = again.pop(0) if again else campaign.following
                campaign.following = max(campaign.following, number + 1)
                campaign.begun.add(number)
                work = (campaign.mode, campaign.target, campaign.seed, number, campaign.profile)
                waiting[pool.submit(do, *work)] = number
            if not waiting:
                return
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                campaign.add(future.result())
                campaign.begun.remove(waiting.pop(future))
                yield campaign
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
