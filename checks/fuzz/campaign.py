"""A campaign: many pieces of work on all cores, that can be stopped, and continued.

A piece is a number of operations on one machine with a seed of its own, so that
any piece can be done again, anywhere.  What is kept between runs is the number
of the next piece, the pieces that were begun and not finished, and what was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from memhp.reference.topology import cut
from memhp.spec.language.system import System
from memhp.spec.profiles import DEFAULT, PROFILES, system_of

from .pieces import Piece
from .record import Record
from .rules import EVERY, rules_for
from .targets import target_named
from .told import Untold, in_both
from .topologies import MORE_SHAPES, SHAPES, built, machines_for
from .walk import walk
from .workers import Lost, Workers

__all__ = [
    "Campaign",
    "CampaignError",
    "WorkersLost",
    "count_of",
    "do",
    "run",
    "untold_on",
]

_VERSION = 2
OPERATIONS = {"walk": 10_000, "hypothesis": 1_000}
"""How many operations a piece has at most, more or less, in either mode."""
_LEAST = {"walk": 1, "hypothesis": 500}
"""So many it has if enough are asked for: hypothesis begins with what is simplest."""
_MOST = 1 << 62
"""No count and no seed is beyond it."""
_MOST_ERRNO = 4095
_LOST = 3
"""So many times in a row a piece is lost before that is no accident."""


class CampaignError(ValueError):
    """A kept campaign is malformed, or another one; the message is one line."""


class WorkersLost(RuntimeError):
    """The processes that do the work are killed again and again; the message is one line."""


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
        mode, target = document.get("mode"), document.get("target")
        if document.get("version") != _VERSION or mode not in list(OPERATIONS):
            raise CampaignError(f"this is no campaign of version {_VERSION}")
        if not isinstance(target, str):
            raise CampaignError(f"its target is {cut(target)}: a name is needed")
        profile = document.get("profile", DEFAULT)
        if profile not in [known.name for known in PROFILES]:
            raise CampaignError(f"its profile {cut(profile)} is none that memhp knows")
        try:
            seed = count_of(document["seed"], least=-_MOST)
            following, steps, changed = (
                count_of(document[of]) for of in ("next", "steps", "changed")
            )
            answers = Counter(dict(map(_answer, document["answers"])))
            system = system_of(profile)
            untold = {on: untold_on(on, of, system) for on, of in document["untold"].items()}
            begun = set(map(count_of, document["begun"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            told = str(error) if isinstance(error, CampaignError) else "its counts are missing"
            raise CampaignError(f"the campaign is damaged: {told}") from None
        found = cls(mode, target, seed, following, steps, changed, answers, untold, begun)
        found.profile = profile
        return found


def count_of(value: object, least: int = 0) -> int:
    """The value, if it is a count from ``least`` on.  Raises CampaignError if not."""
    if type(value) is not int or not least <= value < _MOST:
        raise CampaignError(f"{cut(value)} is no count")
    return value


def _answer(row: object) -> tuple[tuple[str, int | None], int]:
    if isinstance(row, list) and len(row) == 3 and row[0] in list(EVERY):
        name, errno, count = row
        if errno is None or 0 < count_of(errno) <= _MOST_ERRNO:
            return (name, errno), count_of(count)
    raise CampaignError(f"{cut(row)} is no operation with its answer and a count")


def untold_on(machine: str, of: Mapping[str, Iterable[object]], system: System) -> Untold:
    """What a target has not told on that machine, as a document has it.  Raises CampaignError."""
    if machine not in SHAPES and machine not in MORE_SHAPES:
        raise CampaignError(f"there is no machine {cut(machine)}")
    untold: Untold = {}
    domains = {variable.symbol.name: variable.symbol.domain for variable in system.variables}
    for name, places in of.items():
        if name not in domains:
            raise CampaignError(f"there is no variable {cut(name)}")
        untold[name] = set(map(count_of, places))
        most = len(built(machine).points(domains[name]))
        if max(untold[name], default=0) >= most:
            raise CampaignError(f"{name} has {most} entries on {machine}")
    return untold


def do(
    mode: str,
    target: str,
    seed: int,
    number: int,
    profile: str = DEFAULT,
    steps: int | None = None,
    limit: float | None = None,
) -> Piece:
    """One piece of about so many operations (`OPERATIONS`): the machines take turns.

    ``limit``, in seconds, is as in `Isolated`.

    Raises TargetError if the target does not keep to what a target must return.
    """
    system = system_of(profile)
    made = target_named(target, system, limit=limit)
    rules = rules_for(getattr(made, "operations", None), system)
    machines = machines_for(rules)
    name = machines[number % len(machines)]
    own = seed * 1_000_003 + number
    steps = steps or OPERATIONS[mode]
    if mode == "hypothesis":
        from .conformance import explored

        return explored(made, name, steps, own, system)
    found = walk(system, made, built(name), steps=steps, seed=own, rules=rules)
    diverged = found.divergence
    record = None if diverged is None else Record.of(system, built(name), own, diverged)
    return Piece(name, found.steps, found.changed, found.answers, found.untold, record)


def run(
    campaign: Campaign,
    *,
    steps: int | None,
    seconds: float | None,
    jobs: int,
    limit: float | None = None,
) -> Iterator[Campaign]:
    """Go on until something diverges, about so many more steps are done, or the time is up.

    The campaign is the one that was given, after each piece that is finished; whoever
    stops it before the end finds the pieces that were not finished in its ``begun``.

    ``limit`` is as in `do`.

    Raises TargetError as `do` does, WorkersLost if processes are killed all the time; what was
    done till then is in the campaign.
    """
    end = None if seconds is None else monotonic() + seconds
    size = OPERATIONS[campaign.mode]
    if steps is not None:  # few operations are on every machine, too
        size = min(size, steps, max(_LEAST[campaign.mode], -(-steps // len(SHAPES))))
        steps += campaign.steps
    again = sorted(campaign.begun)
    lost = 0

    def more() -> bool:
        asked = campaign.steps + workers.busy * size
        enough = steps is not None and asked >= steps
        late = end is not None and monotonic() >= end
        return not (enough or late or campaign.record) and workers.free

    with Workers(jobs, do) as workers:
        while True:
            while more():
                number = again.pop(0) if again else campaign.following
                campaign.following = max(campaign.following, number + 1)
                campaign.begun.add(number)
                work = (campaign.mode, campaign.target, campaign.seed, number, campaign.profile)
                workers.give(number, *work, size, limit)
            if not workers.busy:
                return
            for number, found in workers.finished():
                if isinstance(found, Lost):
                    lost += 1
                    again.append(number)
                    if lost == _LOST:
                        raise WorkersLost(f"{found.why}, {lost} times in a row")
                    continue
                lost = 0
                campaign.add(found)
                campaign.begun.remove(number)
                yield campaign
