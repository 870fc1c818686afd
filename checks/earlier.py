"""The decisions of an earlier run on the same system: then nothing is made, asked or searched.

A record is of one system with one profile, and of the code and the solver that decided.  It has
what passed, and what those proofs rest on: unless all of that is there, it is as good as none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from .decision import Decision, claim_of
from .proof.results import PropertyResult
from .proof.solvers import solver_version
from .search.scopes import usual
from .search.search import Witness
from .search.traces import trace_in, written
from .support.store import (
    code_digest,
    digest_of,
    keep,
    kept,
    newest,
    sealed,
    unsealed,
)
from .support.verdicts import Verdict

__all__ = ["Earlier"]

_MOST = 32
"""Of so many systems the records are kept, the latest."""
_RECORD = "verdicts-{}.json"


class Earlier:
    """The record of a system, in a folder; without one nothing is known, and nothing is kept.

    Args:
        given_up: the properties that the profile gives up, which must be refuted, and why.
    """

    def __init__(self, folder: Path | None, system: System, given_up: Mapping[str, str]) -> None:
        self._folder, self._system, self._given_up = folder, system, given_up

    def decisions(self, names: Sequence[str], *, updates: bool) -> list[Decision] | None:
        """The decisions of an earlier run on all those properties; None if one is missing.

        Args:
            names: of properties.
            updates: add those on the actions whose updates had to be shown to stay apart.
        """
        try:
            content = unsealed(kept(self._path))
            actions = list(content["updates"])
            decisions = self._with_premises({*names, *actions}, content["decided"])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return None
        return [decisions[name] for name in (*names, *(actions if updates else ()))]

    def keep(self, decisions: Sequence[Decision]) -> None:
        """Keep the decisions that passed; none if the updates of an action may meet."""
        of_actions = (each for each in decisions if each.claim.name in self._system.action_by_name)
        if self._path is None or not all(each.counts_as.passes for each in of_actions):
            return
        try:
            decided = dict(unsealed(kept(self._path))["decided"])
        except (ValueError, TypeError, KeyError):
            decided = {}
        passed = {each.claim.name: each for each in decisions if each.counts_as.passes}
        decided |= {name: self._written(each) for name, each in passed.items()}
        updates = [name for name in self._system.action_by_name if name in decided]
        keep(self._path, sealed({"decided": decided, "updates": updates}))
        newest(self._folder, _RECORD.format("*"), _MOST)

    @cached_property
    def _path(self) -> Path | None:
        if self._folder is None:
            return None
        system = replace(self._system, given_up=frozenset())  # a set has no order
        code = code_digest(
            "checks/*.py",
            *(f"checks/{room}/*" for room in ("support", "proof", "ground", "search")),
            "reference/*.py",
            "spec/language/*.py",
        )
        text = repr((code, solver_version("z3"), sorted(self._given_up), system))
        return self._folder / _RECORD.format(digest_of(text))

    def _with_premises(self, names: set[str], entries: Mapping[str, Any]) -> dict[str, Decision]:
        """The decisions, and those on all that their proofs rest on.  Raises what `_read` does."""
        decisions: dict[str, Decision] = {}
        premises = set[str]()
        while more := (names | premises) - decisions.keys():
            decisions |= {name: self._read(name, entries[name]) for name in more}
            proofs = [each for name in more if (each := decisions[name].proof)]
            premises |= {premise for proof in proofs for premise in proof.rests_on}
        if unproved := [name for name in premises if not decisions[name].proof]:
            raise ValueError(f"{unproved[0]} is not proved")
        return decisions

    def _read(self, name: str, entry: Mapping[str, Any]) -> Decision:
        """What was written.  Raises ValueError, TypeError, KeyError or IndexError for all else."""
        _of_their_kinds(entry, _KINDS)
        claim, given_up = claim_of(self._system, name), self._given_up.get(name, "")
        proof = _proof(entry["proof"]) if entry["proof"] else None
        trace = self._trace(entry["trace"], claim) if entry["trace"] else None
        decision = Decision(
            claim,
            Verdict(entry["verdict"]),
            entry["method"],
            entry["scope"],
            entry["seconds"],
            cached=True,
            given_up=given_up,
            proof=proof,
            trace=trace,
        )
        searched = claim.kind == "sometimes"
        expected = Verdict.refuted if given_up else Verdict.holds if searched else Verdict.proved
        shown = proof.name == name and proof.verdict is Verdict.proved if proof else bool(trace)
        needs_proof = not given_up and not searched
        if decision.verdict is not expected or not shown or (needs_proof and not proof):
            raise ValueError(f"{name} did not pass")
        return decision

    def _trace(self, entry: Any, claim: Property) -> Witness:
        """A trace that was kept with its verdict, under one seal: it is not taken anew."""
        number = entry[0]
        if number not in self._machines:
            self._machines[number] = usual(self._system).roomy[number].build(self._system)
        return trace_in(entry, claim, self._system, self._machines)

    @cached_property
    def _machines(self) -> dict[int, Topology]:
        return {}

    def _written(self, decision: Decision) -> dict[str, Any]:
        proof = trace = None
        if decision.proof:
            proof = asdict(replace(decision.proof, failures=()))
            proof["verdict"] = decision.proof.verdict.value
        if decision.trace:
            at = next(n for n, each in self._roomy if each == decision.trace.topology)
            trace = written(at, decision.trace)
        return {
            "verdict": decision.verdict.value,
            "method": decision.method,
            "scope": decision.scope,
            "seconds": decision.seconds,
            "proof": proof,
            "trace": trace,
        }

    @cached_property
    def _roomy(self) -> list[tuple[int, Topology]]:
        return [
            (number, shape.build(self._system))
            for number, shape in enumerate(usual(self._system).roomy)
        ]


_TEXT, _SECONDS, _NUMBER = (str,), (int, float), (int,)
_KINDS = {"method": _TEXT, "scope": _TEXT, "seconds": _SECONDS}
_OF_PROOFS = {
    **_KINDS,
    **dict.fromkeys(("module", "kind"), _TEXT),
    **dict.fromkeys(("obligations", "unchanged", "rewritten"), _NUMBER),
}


def _of_their_kinds(entry: Mapping[str, Any], kinds: Mapping[str, tuple[type, ...]]) -> None:
    """Check the types of the values in an entry of a record.

    Raises:
        TypeError: a value is of another type.
        KeyError: there is none of that name.
    """
    for name, types in kinds.items():
        if type(entry[name]) not in types:
            raise TypeError(f"{name} is of another kind")


def _proof(entry: Mapping[str, Any]) -> PropertyResult:
    """A proof without failures, as nothing else is kept."""
    _of_their_kinds(entry, _OF_PROOFS)
    fixed = {"certified": False, "cached": True, "failures": ()}
    sequences = {name: tuple(entry[name]) for name in ("covers", "rests_on")}
    verdict = Verdict(entry["verdict"])
    return PropertyResult(**{**entry, **sequences, **fixed, "verdict": verdict})
