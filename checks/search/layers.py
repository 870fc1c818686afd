"""A frontier of `memhp.checks.search.search` whose layers are made by `layers.c`, compiled once.

It finds the states in the order in which the frontier in Python finds them, so that
the same traces are found.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate
from weakref import finalize

from memhp.reference import Topology
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import Term

from ..ground.tables import (
    Steps,
    Tables,
    TooLarge,
    Watches,
    tables,
    wide_tables,
)
from ..support.compiler import NativeError, NoMemory, built, compiler
from ..support.scratch import temporary_folder
from .alike import ground
from .search import Search, Witness, settle

__all__ = ["Layers", "Leaves", "TooLarge", "beginning"]

_SPENT, _LEAVES, _NO_MEMORY, _HIT = -1, -2, -3, -4
_NOTHING = Watches([], array("q", [0]))
_NUMBER, _ADDRESS = ctypes.c_int64, ctypes.c_void_p


class Leaves(Exception):
    """A counter leaves the numbers that the tables have for it."""


def beginning(
    system: System, *, wide: bool = False
) -> Callable[[System, Topology, Sequence[Property]], Layers] | None:
    """The function that begins a search of a machine cut from the system; None without a compiler.

    It raises `TooLarge` if a machine is too large for tables; it or its search `Leaves`: then one
    that is ``wide``, which is slower, follows counters further.
    """
    library = _library(os.environ.get("CC", ""), os.environ.get("TMPDIR", ""))
    if library is None:
        return None

    known: dict[Term, System] = {}
    made = wide_tables if wide else tables

    def begin(cut: System, topology: Topology, targets: Sequence[Property]) -> Layers:
        (claim,) = targets
        if claim.formula not in known:
            known[claim.formula] = ground(system, claim.formula).system
        return Layers(library, made(known[claim.formula], topology), cut, claim)

    return begin


@cache
def _library(_named: str, _temporary: str) -> ctypes.CDLL | None:
    cc = compiler()
    if cc is None:
        return None
    try:
        with temporary_folder(cc.folder) as folder:
            (folder / "layers.c").write_text(
                (files("memhp.checks.search") / "layers.c").read_text()
            )
            made = built(cc, ("-O2", "-shared", "-fPIC"), folder, "layers.c")
            library = ctypes.CDLL(str(made))
    except (NativeError, OSError):
        return None
    library.begin.restype = _ADDRESS
    library.begin.argtypes = [
        *(_ADDRESS, _ADDRESS, _ADDRESS, _NUMBER, _ADDRESS),
        *(ctypes.c_char_p, _NUMBER),
    ]
    library.end.argtypes = [_ADDRESS]
    library.watch.argtypes = [_ADDRESS, _ADDRESS]
    library.steps.argtypes = [_ADDRESS, _ADDRESS]
    library.hopeless.argtypes = [_ADDRESS, _ADDRESS]
    library.look.argtypes = [_ADDRESS, _ADDRESS]
    library.expand.argtypes = [_ADDRESS, _ADDRESS, _NUMBER]
    library.way.argtypes = [_ADDRESS, _ADDRESS, _NUMBER]
    for function in (library.steps, library.hopeless, library.look, library.expand, library.way):
        function.restype = _NUMBER
    return library


class Layers:
    """The search for one property on one machine that is cut down: see `search.Frontier`."""

    def __init__(
        self, library: ctypes.CDLL, machine: Tables, system: System, claim: Property
    ) -> None:
        self.topology = machine.topology
        self.depth = 0
        self.states = self.layer = 1
        self._is_shown = False
        self._claim = claim
        self._library = library
        self._machine = machine
        self._parts = [machine.steps(action) for action in system.actions]
        counts = [len(part.points) for part in self._parts]
        self._firsts = list(accumulate(counts, initial=0))
        self._at_steps: dict[int, Watches] = {}
        self._at_states = _NOTHING if claim.of_step else machine.watches(claim)
        kept, self._where = _places(machine, system)
        if not all(machine.begins_inside(place) for place in kept):
            raise Leaves
        boot = bytes(machine.initial[place] for place in kept)
        each = zip(self._parts, counts, strict=True)
        parts = array("q", (n for part, count in each for n in (_address(part.table), count)))
        self._search = library.begin(
            _address(machine.code),
            _address(self._where),
            _address(parts),
            len(self._parts),
            _address(self._at_states.table),
            boot,
            len(kept),
        )
        if not self._search:
            raise NoMemory("there is no memory for the search")
        finalize(self, library.end, self._search)
        if claim.of_step:
            self._watch()
        if library.hopeless(self._search, _address(machine.code)):
            self.layer = 0

    def _watch(self) -> None:
        """Watch the steps that are possible."""
        room = array("q", bytes(8 * self._firsts[-1] + 8))
        possible = room[: self._library.steps(self._search, _address(room))]
        for number in possible:
            self._at_steps[number] = self._machine.watched(self._claim, *self._step(number))
        where = array("q", (_address(each.table) for each in self._at_steps.values()))
        self._library.watch(self._search, _address(where))

    def _step(self, number: int) -> tuple[Steps, int]:
        """The step of that number, as one of its action's."""
        part = bisect_right(self._firsts, number) - 1
        return self._parts[part], number - self._firsts[part]

    @property
    def is_over(self) -> bool:
        """Whether no state is left to expand, and none showed the property."""
        return not self.layer and not self._is_shown

    def look(self, targets: dict[str, Property], result: Search) -> None:
        """Settle the property if the boot state shows it.

        Raises:
            NoMemory: there is none for the search.
        """
        self._went(self._library.look(self._search, _address(self._machine.code)), targets, result)

    def expand(self, targets: dict[str, Property], result: Search, max_states: int) -> bool:
        """Replace the layer by the next one; false when the budget is spent.

        Raises:
            Leaves: a counter leaves the numbers that the tables have for it.
            NoMemory: there is none for the search.
        """
        most = max_states - result.states
        code = self._library.expand(self._search, _address(self._machine.code), most)
        if code == _SPENT:
            return False
        self.layer = self._went(code, targets, result)
        self.states += self.layer
        result.states += self.layer
        return True

    def _went(self, code: int, targets: dict[str, Property], result: Search) -> int:
        """How many states are new; the property is settled if it was seen."""
        if code == _LEAVES:
            raise Leaves
        if code == _NO_MEMORY:
            raise NoMemory("there is no memory for the search")
        if code != _HIT:
            return code
        self._is_shown = True
        most = self.depth + 2
        room = array("q", bytes(8 * most))
        watch, *numbers = room[: self._library.way(self._search, _address(room), most)]
        at = self._at_steps[numbers[0]] if self._claim.of_step else self._at_states
        taken = map(self._step, reversed(numbers))
        steps = tuple((part.action.name, part.points[at]) for part, at in taken)
        settle(Witness(self._claim, self.topology, steps, at.points[watch]), targets, result)
        return 0


def _places(machine: Tables, system: System) -> tuple[list[int], array[int]]:
    """The places of the variables that the system has kept, and at which of them each one is."""
    spans = (machine.span(variable.symbol) for variable in system.variables)
    kept = [place for span in spans for place in span]
    where = array("q", bytes(8 * len(machine.initial)))
    for at, place in enumerate(kept):
        where[place] = at
    return kept, where


def _address(numbers: array[int]) -> int:
    return numbers.buffer_info()[0]
