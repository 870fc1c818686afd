"""First answers from before, and which of them stand.

A proof stands wherever what it rests on says what it said, whatever else an edit has changed: it is
kept with a digest of each of these assumptions.  That nothing was found easily is good only for
the same assumptions.
"""

from __future__ import annotations

from dataclasses import replace

from .cache import Cache
from .keys import Keys
from .obligations import Obligation
from .solvers import Answer, Query

__all__ = ["FirstAnswers"]


class FirstAnswers:
    """The first answers to the obligations of one system.

    Args:
        cache: where they are kept.
        keys: of that system.
        limit: how much work z3 may do for one.
    """

    def __init__(self, cache: Cache, keys: Keys, limit: int) -> None:
        self._cache, self._keys, self._limit = cache, keys, limit

    def get(self, obligation: Obligation) -> Answer | None:
        """A proof that stands, or that none was found from the same assumptions; else None."""
        return self._standing(obligation, self._keys.of_proof(obligation)) or self._standing(
            obligation, self._keys.of(obligation)
        )

    def put(self, obligation: Obligation, answer: Answer) -> None:
        """Remember the answer: a proof beside that of another design, if there is one."""
        key = self._keys.of_proof(obligation)
        if answer.status == "unsat":
            core = self._keys.signed(answer.core, obligation)
            answer = replace(answer, core=core)
        if answer.status != "unsat" or self._cache.get(self._query(key)):
            key = self._keys.of(obligation)
        self._cache.put(self._query(key), answer)

    def _standing(self, obligation: Obligation, key: str) -> Answer | None:
        """The answer under that key; of a proof, if what it rests on says what it said."""
        answer = self._cache.get(self._query(key))
        if answer is None or answer.status != "unsat":
            return answer
        core = self._keys.standing(answer.core, obligation)
        return replace(answer, core=core) if core else None

    def _query(self, key: str) -> Query:
        return Query("first", key, self._limit)
