"""The traces to what is to be reached, looked for by one process while another one proves.

Whoever is done first takes from what the other has not begun: the one begins with the first
properties, the other with the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import TypeAlias

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from .search.search import Choice, Witness
from .search.usual import reach
from .support.beside import beside

__all__ = ["Ahead", "traces_ahead"]

_Shown: TypeAlias = tuple[Topology, tuple[Choice, ...], tuple[int, ...]]
_Sent: TypeAlias = bool | tuple[str, _Shown | None]
"""A property's trace, if there is one; at last, whether all of them came from the folder."""


class _Begun:
    """Which properties are known or being looked for, in memory that forked processes share.

    Two processes that take the same one at once both look for it, and find the same.
    """

    def __init__(self, targets: Sequence[Property]) -> None:
        self._at = {claim.name: at for at, claim in enumerate(targets)}
        self._marks = mmap(-1, len(targets) + 1)  # the last one: somebody looks for something

    def take(self, claim: Property) -> bool:
        """Mark a property as being looked for; false if somebody did."""
        if self._marks[self._at[claim.name]]:
            return False
        self.know(claim)
        self._marks[-1] = 1
        return True

    def know(self, claim: Property) -> None:
        """Mark a property as known."""
        self._marks[self._at[claim.name]] = 1

    def left(self, targets: Sequence[Property]) -> list[Property]:
        """Those without a mark, once what the folder has is known; before, none."""
        if not self._marks[-1]:
            return []
        return [claim for claim in targets if not self._marks[self._at[claim.name]]]


class Ahead:
    """What another process finds, and what this one finds when it helps.

    ``all_kept``, once `found` is over: every trace came from the folder.
    """

    def __init__(
        self,
        system: System,
        targets: Sequence[Property],
        folder: Path | None,
        begun: _Begun,
        sent: Iterator[_Sent],
    ) -> None:
        self.all_kept = True
        self._system, self._targets, self._folder = system, targets, folder
        self._begun, self._sent = begun, sent

    def found(self) -> Iterator[tuple[Property, Witness | None]]:
        """Each target that either process has decided, with its trace if there is one."""
        if left := self._begun.left(self._targets):
            self.all_kept = False
            mine: list[tuple[Property, Witness | None]] = []
            reach(
                self._system,
                left[::-1],
                folder=self._folder,
                decided=lambda claim, trace: mine.append((claim, trace)),
                take=self._begun.take,
            )
            yield from mine
        for each in self._sent:
            if isinstance(each, bool):
                self.all_kept = each
                continue
            self.all_kept = False  # until it says that they were
            name, shown = each
            claim = self._system.property_by_name[name]
            yield claim, Witness(claim, *shown) if shown else None


@contextmanager
def traces_ahead(
    system: System, targets: Sequence[Property], folder: Path | None, jobs: int
) -> Iterator[Ahead | None]:
    """The traces to the targets, looked for from now on; None where one process does all.

    Args:
        system: the specification.
        targets: its *sometimes* properties that are to be reached.
        folder: where traces are kept.
        jobs: processes, half of which look.
    """
    if jobs == 1 or not targets:
        yield None
        return
    begun = _Begun(targets)

    def work(send: Callable[[_Sent], None]) -> None:
        def decided(claim: Property, trace: Witness | None) -> None:
            begun.know(claim)
            send((claim.name, (trace.topology, trace.steps, trace.params) if trace else None))

        few = max(1, jobs // 2)
        send(reach(system, targets, folder=folder, jobs=few, decided=decided, take=begun.take)[1])

    with beside(work) as sent:
        yield Ahead(system, targets, folder, begun, sent)
