"""A frontier of `memhp.checks.search` whose layers are made by `layers.c`, compiled once.

It finds the states in the order in which the frontier in Python finds them, so that
the same traces are found.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from weakref import finalize

from memhp.checks.alike import ground
from memhp.checks.decided import decided
from memhp.checks.scratch import temporary_folder
from memhp.checks.search import Choice, Found, Search, settle
from memhp.reference import Topology
from memhp.spec.language.system import Action, Property, System
from memhp.spec.language.terms import Term

from .native import NativeError, NoMemory, built, compiler
from .tables import Tables, TooLarge, Watches, tables

__all__ = ["Layers", "Leaves", "TooLarge", "beginning"]

_SPENT, _LEAVES, _NO_MEMORY, _HIT = -1, -2, -3, -4
_PATIENCE = 10_000
"""After so many states it is asked whether a machine can show the property at all."""
_NUMBER, _ADDRESS = ctypes.c_int64, ctypes.c_void_p


class Leaves(Exception):
    """A counter leaves the numbers that it is given."""


def beginning(
    system: System,
) -> Callable[[System, Topology, Sequence[Property]], Layers] | None:
    """What begins a search of a machine that was cut from the system; None without a compiler.

    Calling it raises `TooLarge` if a machine is, and going on with the search `Leaves`.
    """
    library = _library(os.environ.get("CC", ""), os.environ.get("TMPDIR", ""))
    if library is None:
        return None

    known: dict[Term, System] = {}

    def begin(cut: System, topology: Topology, targets: Sequence[Property]) -> Layers:
        (claim,) = targets
        if claim.formula not in known:
            known[claim.formula] = ground(system, claim.formula).system
        return Layers(library, tables(known[claim.formula], topology), cut, claim)

    return begin


@cache
def _library(_named: str, _temporary: str) -> ctypes.CDLL | None:
    cc = compiler()
    if cc is None:
        return None
    try:
        with temporary_folder(cc.folder) as folder:
            (folder / "layers.c").write_text(
                (files("memhp.checks.explore") / "layers.c").read_text()
            )
            made = built(cc, ("-O2", "-shared", "-fPIC"), folder, "layers.c")
            library = ctypes.CDLL(str(made))
    except (NativeError, OSError):
        return None
    library.begin.restype = _ADDRESS
    library.begin.argtypes = [_ADDRESS, _ADDRESS, _NUMBER, _ADDRESS, ctypes.c_char_p, _NUMBER]
    library.end.argtypes = [_ADDRESS]
    library.look.argtypes = [_ADDRESS, _ADDRESS]
    library.expand.argtypes = [_ADDRESS, _ADDRESS, _NUMBER]
    library.way.argtypes = [_ADDRESS, _ADDRESS, _NUMBER]
    for function in (library.look, library.expand, library.way):
        function.restype = _NUMBER
    return library


class Layers:
    """The search for one property on one machine that is cut down: see `search.Frontier`."""

    def __init__(
        self, library: ctypes.CDLL, machine: Tables, system: System, claim: Property
    ) -> None:
        self.topology = machine.topology
        self._system = system
        self.depth = 0
        self.states = self.layer = 1
        self._asked = False
        self._claim = claim
        self._of_step = claim.of_step
        self._library = library
        self._code = machine.code
        self._choices: list[Choice] = []
        self._steps = array("q")
        self._at_steps: list[Watches] = []
        self._at_states: Watches = [] if self._of_step else machine.watches(claim)
        for action in system.actions:
            self._add(machine, action)
        kept, self._where = _places(machine, system)
        self._watches = _watched(self._at_states)
        boot = bytes(machine.initial[place] for place in kept)
        self._search = library.begin(
            _address(self._where),
            _address(self._steps),
            len(self._choices),
            _address(self._watches),
            boot,
            len(kept),
        )
        if not self._search:
            raise NoMemory("there is no memory for the search")
        finalize(self, library.end, self._search)

    def _add(self, machine: Tables, action: Action) -> None:
        steps = machine.steps(action)
        self._choices += [(action.name, point) for point in steps.points]
        if not self._of_step:
            self._steps.extend(steps.table)
            return
        shown = machine.watched(self._claim, action)
        self._at_steps += shown
        for row, watches in zip(steps.rows, shown, strict=True):
            table = [*row, *_watched(watches)]
            self._steps.extend([len(table), *table])

    def look(self, targets: dict[str, Property], result: Search) -> None:
        """See whether the boot state shows the property."""
        self._went(self._library.look(self._search, _address(self._code)), targets, result)

    def expand(self, targets: dict[str, Property], result: Search, max_states: int) -> bool:
        """Replace the layer by the next one; false when the budget is spent.

        Raises `Leaves`.
        """
        if not self._asked and self.states > _PATIENCE:
            self._asked = True
            if decided(self._system, self.topology, self._claim):
                self.layer = 0
                return True
        most = max_states - result.states
        found = self._library.expand(self._search, _address(self._code), most)
        if found == _SPENT:
            return False
        self.layer = self._went(found, targets, result)
        self.states += self.layer
        result.states += self.layer
        return True

    def _went(self, found: int, targets: dict[str, Property], result: Search) -> int:
        """How many states are new; the property is settled if it was seen."""
        if found == _LEAVES:
            raise Leaves
        if found == _NO_MEMORY:
            raise NoMemory("there is no memory for the search")
        if found != _HIT:
            return found
        most = self.depth + 2
        room = array("q", bytes(8 * most))
        watch, *numbers = room[: self._library.way(self._search, _address(room), most)]
        at = self._at_steps[numbers[0]] if self._of_step else self._at_states
        steps = tuple(self._choices[number] for number in reversed(numbers))
        settle(Found(self._claim, self.topology, steps, at[watch][0]), targets, result)
        return 0


def _places(machine: Tables, system: System) -> tuple[list[int], array[int]]:
    """The places of the variables that the system has kept, and at which of them each one is."""
    names = {variable.symbol.name for variable in system.variables}
    kept = [place for place, (name, _) in enumerate(machine.grounding.names) if name in names]
    where = array("q", bytes(8 * len(machine.initial)))
    for at, place in enumerate(kept):
        where[place] = at
    return kept, where


def _watched(watches: Watches) -> array[int]:
    return array("q", [len(watches), *(when for _, when in watches)])


def _address(numbers: array[int]) -> int:
    return numbers.buffer_info()[0]
