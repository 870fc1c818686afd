"""A campaign: many pieces of work on all cores, that can be stopped, and continued.

A piece is a number of operations on one machine with a seed of its own, so that
any piece can be done again, anywhere.  What is kept between runs is the number
of the next piece, the pieces that were begun and not finished, and what was counted.
Shards share a campaign: the third of eight does the pieces 2, 10, 18 and so on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from memhp.reference.target import Target
from memhp.reference.topology import Topology, cut
from memhp.spec.language.system import System
from memhp.spec.profiles import DEFAULT, PROFILES, system_of

from ..support.cluster import pool
from ..support.workers import Lost, Pool
from .isolated import Isolated
from .pieces import Piece
from .plan import plan
from .record import Record
from .rules import every
from .targets import target_named
from .told import Untold, in_both
from .topologies import MORE_SHAPES, SHAPES, built_for
from .walk import Workload, derived_seed, walk

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
_LONGEST = 200
"""So many characters say how a process ended."""
_LOST = 3
"""So many times a piece is lost before that is its own doing; so many such pieces in a row are
not theirs."""


class CampaignError(ValueError):
    """A kept campaign is malformed, or another one; the message is one line."""


class WorkersLost(RuntimeError):
    """The processes that do the work are killed again and again; the message is one line."""


@dataclass
class Campaign:
    """What is done, and how: a mode of `OPERATIONS`, a target, a seed, the profile to compare with.

    ``following`` is the number of the next piece; ``begun`` are those before it that
    are not finished: a campaign that goes on does them first.  ``untold`` is, for each
    machine, what the target has not told; ``machines`` are those of the target's own, by name.
    ``shard`` says which of how many this is; ``deadly`` has the pieces that ended the process
    which did them, each time, and how.
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
    own: System | None = field(default=None, compare=False, repr=False)
    machines: Mapping[str, Topology] = field(default_factory=dict, compare=False, repr=False)
    shard: tuple[int, int] = (1, 1)
    deadly: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.following = max(self.following, self.shard[0] - 1)

    @property
    def system(self) -> System:
        """The design to compare with: one's ``own``, whose name ``profile`` is, or a profile."""
        return self.own or system_of(self.profile)

    def add(self, piece: Piece) -> None:
        """Count what a piece did; the first divergence of all is the campaign's ``record``."""
        self.steps += piece.steps
        self.changed += piece.changed
        self.answers.update(piece.answers)
        self.untold[piece.topology] = in_both(
            piece.untold, self.untold.get(piece.topology, piece.untold)
        )
        self.record = self.record or piece.record

    def to_json(self) -> dict[str, Any]:
        """The document of which `from_json` makes the campaign; without the ``record``.

        That has a document of its own.
        """
        answers = [[name, errno, count] for (name, errno), count in self.answers.items()]
        return {
            "memhp": "campaign",
            "version": _VERSION,
            "mode": self.mode,
            "target": self.target,
            "seed": self.seed,
            "profile": self.profile,
            "shard": list(self.shard),
            "next": self.following,
            "begun": sorted(self.begun),
            "deadly": [[number, why] for number, why in sorted(self.deadly.items())],
            "steps": self.steps,
            "changed": self.changed,
            "answers": sorted(answers, key=str),
            "untold": {
                machine: {name: sorted(places) for name, places in untold.items()}
                for machine, untold in self.untold.items()
            },
        }

    @classmethod
    def from_json(
        cls,
        document: object,
        own: tuple[str, System] | None = None,
        machines: Mapping[str, Topology] | None = None,
    ) -> Campaign:
        """The campaign that `to_json` wrote to the document.

        Args:
            document: the document.
            own: the name of a design of one's own, and its system: the campaign may be of that.
            machines: those of the target's own, by name.

        Raises:
            CampaignError: the document is malformed.
        """
        if not isinstance(document, dict) or document.get("memhp") != "campaign":
            raise CampaignError("this is no campaign that memhp wrote")
        mode, target = document.get("mode"), document.get("target")
        if document.get("version") != _VERSION or mode not in list(OPERATIONS):
            raise CampaignError(f"this is no campaign of version {_VERSION}")
        if not isinstance(target, str):
            raise CampaignError(f"its target is {cut(target)}: a name is needed")
        profile = document.get("profile", DEFAULT)
        mine = own is not None and profile == own[0]
        if not mine and profile not in [each.name for each in PROFILES]:
            raise CampaignError(f"its profile {cut(profile)} is none that memhp knows")
        try:
            seed = count_of(document["seed"], least=-_MOST)
            following, steps, changed = (
                count_of(document[of]) for of in ("next", "steps", "changed")
            )
            system = own[1] if own is not None and mine else system_of(profile)
            names = every(system)
            answers = Counter(dict(_answer(row, names) for row in document["answers"]))
            mine_too = machines or {}
            untold = {
                on: untold_on(on, of, system, mine_too) for on, of in document["untold"].items()
            }
            begun = set(map(count_of, document["begun"]))
            shard = _shard(document.get("shard", [1, 1]))
            deadly = dict(_deadly(row) for row in document.get("deadly", ()))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            why = str(error) if isinstance(error, CampaignError) else "its counts are missing"
            raise CampaignError(f"the campaign is damaged: {why}") from None
        counted = (following, steps, changed, answers, untold, begun)
        design = system if mine else None
        campaign = cls(mode, target, seed, *counted, profile=profile, own=design, machines=mine_too)
        campaign.shard, campaign.deadly = shard, deadly
        return campaign


def count_of(value: object, least: int = 0) -> int:
    """The value, which is a whole number from ``least`` on.

    Raises:
        CampaignError: it is not, or it is 2**62 or more.
    """
    if type(value) is not int or not least <= value < _MOST:
        raise CampaignError(f"{cut(value)} is no count")
    return value


def _answer(row: object, names: Collection[str]) -> tuple[tuple[str, int | None], int]:
    if isinstance(row, list) and len(row) == 3 and row[0] in list(names):
        name, errno, count = row
        if errno is None or 0 < count_of(errno) <= _MOST_ERRNO:
            return (name, errno), count_of(count)
    raise CampaignError(f"{cut(row)} is no operation with its answer and a count")


def _shard(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        number, count = (count_of(each, least=1) for each in value)
        if number <= count:
            return number, count
    raise CampaignError(f"{cut(value)} is no shard")


def _deadly(row: object) -> tuple[int, str]:
    if isinstance(row, list) and len(row) == 2 and isinstance(row[1], str):
        return count_of(row[0]), row[1][:_LONGEST]
    raise CampaignError(f"{cut(row)} is no piece that ended its process")


def untold_on(
    machine: str,
    of: Mapping[str, Iterable[object]],
    system: System,
    machines: Mapping[str, Topology],
) -> Untold:
    """What a target has not told on that machine, from the lists of a document.

    Args:
        machine: its name.
        of: the entries that were not told of each variable, by name.
        system: the design that was compared with.
        machines: those of the target's own, by name.

    Raises:
        CampaignError: there is no such machine, variable or entry.
    """
    if machine not in (*machines, *SHAPES, *MORE_SHAPES):
        raise CampaignError(f"there is no machine {cut(machine)}")
    untold: Untold = {}
    domains = {variable.symbol.name: variable.symbol.domain for variable in system.variables}
    for name, places in of.items():
        if name not in domains:
            raise CampaignError(f"there is no variable {cut(name)}")
        untold[name] = set(map(count_of, places))
        topology = machines.get(machine) or built_for(machine, system)
        most = len(topology.points(domains[name]))
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
    own: System | None = None,
) -> Piece:
    """What one piece did: operations on one machine; the machines take turns.

    Args:
        mode: one of `OPERATIONS`.
        target: as `target_named` takes it.
        seed: the campaign's.
        number: the piece's, which gives it a machine and a seed of its own.
        profile: the name of the design to compare with.
        steps: about so many operations; those of `OPERATIONS` without it.
        limit: in seconds, as in `Isolated`.
        own: a design of one's own to compare with, instead.

    Raises:
        TargetError: the target does not keep to what a target must return.
    """
    system = own or system_of(profile)
    tested = target_named(target, system, limit=limit)
    try:
        return _done(mode, tested, derived_seed(seed, number), number, system, steps)
    finally:
        if isinstance(tested, Isolated):
            tested.close()


def _done(
    mode: str, tested: Target, seed: int, number: int, system: System, steps: int | None
) -> Piece:
    asked = plan(tested, system)
    name, machine = list(asked.machines.items())[number % len(asked.machines)]
    steps = steps or OPERATIONS[mode]
    if mode == "hypothesis":
        from .conformance import explored

        return explored(tested, name, steps, seed, system)
    way = walk(system, tested, machine, steps=steps, seed=seed, workload=Workload(asked.rules))
    found = way.divergence
    record = Record.of(system, machine, seed, found) if found else None
    return Piece(name, way.steps, way.changed, way.answers, way.untold, record)


def run(
    campaign: Campaign,
    *,
    steps: int | None,
    seconds: float | None,
    jobs: int,
    limit: float | None = None,
    cluster: str | None = None,
) -> Iterator[Campaign]:
    """Go on until something diverges, about so many more steps are done, or the time is up.

    A piece that ends its process each time is a finding: ``deadly`` names it, the rest goes on.

    Args:
        campaign: changed as pieces finish; ``begun`` has those that have not, whenever it ends.
        steps: how many operations more, of all shards together; None: no bound.
        seconds: how long; None: no bound.
        jobs: how many processes.
        limit: in seconds, as in `Isolated`.
        cluster: where, instead of on this machine: as `support.cluster.pool` takes it.

    Yields:
        The campaign itself, after each piece that is finished.

    Raises:
        TargetError: as `do` does.
        WorkersLost: processes are killed again and again, whatever they do.
        ClusterError: there is no such cluster, or it has gone.
    """
    end = None if seconds is None else monotonic() + seconds
    size = OPERATIONS[campaign.mode]
    if steps is not None:  # few operations are on every machine, too
        size = min(size, steps, max(_LEAST[campaign.mode], -(-steps // len(SHAPES))))
        steps = campaign.steps - (-steps // campaign.shard[1])

    def more() -> bool:
        expected = campaign.steps + workers.busy * size
        enough = steps is not None and expected >= steps - size // 2  # as near as pieces come
        late = end is not None and monotonic() >= end
        return not (enough or late or campaign.record) and workers.free

    with pool(cluster, jobs, do) as workers:
        pieces = _Pieces(campaign, workers)
        while True:
            while more():
                pieces.give(size, limit)
            if not workers.busy:
                return
            for _ in pieces.finished():
                yield campaign


class _Pieces:
    """The pieces of a campaign, by number: those that were begun before come first."""

    def __init__(self, campaign: Campaign, workers: Pool) -> None:
        self._campaign, self._workers = campaign, workers
        self._again = sorted(campaign.begun)
        self._lost: Counter[int] = Counter()
        self._deadly = 0

    def give(self, size: int, limit: float | None) -> None:
        """Have the next piece done."""
        it = self._campaign
        if self._again:
            number = self._again.pop(0)
        else:
            number = it.following
            it.following += it.shard[1]
        it.begun.add(number)
        what = (it.mode, it.target, it.seed, number, it.profile)
        self._workers.give(number, *what, size, limit, it.own)

    def finished(self) -> Iterator[int]:
        """Wait, and count what is finished; a piece that is lost will be done again."""
        for number, piece in self._workers.finished():
            if isinstance(piece, Lost):
                self._lose(number, piece.why)
                continue
            self._deadly = 0
            self._campaign.add(piece)
            self._campaign.begun.remove(number)
            yield number

    def _lose(self, number: int, why: str) -> None:
        """Have a piece done again, unless it ends its process each time."""
        self._lost[number] += 1
        if self._lost[number] < _LOST:
            self._again.append(number)
            return
        self._deadly += 1
        if self._deadly == _LOST:
            raise WorkersLost(f"{why}, {_LOST} times each, whatever {_LOST} pieces in a row do")
        self._campaign.deadly[number] = why
        self._campaign.begun.remove(number)
