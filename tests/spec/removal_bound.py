"""The bound of spec/folios/scheduled_removal.py, counted: the steps a removal can take (U3)."""

from __future__ import annotations

from memhp.reference import Machine

__all__ = ["REMOVAL_STEPS", "most_steps", "steps_left"]

REMOVAL_STEPS = frozenset(
    {
        "reserve_destination",
        "begin_unmap",
        "replace_pte",
        "copy",
        "move_private",
        "change_home",
        "restore_pte",
        "finish_migration",
        "abort_migration",
        "finish_abort",
        "wait_for_writeback",
        "try_again",
    }
)
"""The steps that a removal takes between the beginning and the end of going offline."""

_OF_EACH_PTE = ("restore_first", "replace", "restore")
_OF_EACH_FOLIO = ("settle_first", "reserve", "unmap", "copy", "take_along", "change", "settle")
_WORK = (*_OF_EACH_FOLIO, *_OF_EACH_PTE)
"""The removal's own work, of all that `spec.folios.scheduled_removal.Work` names."""

_STAGES = 6
"""The steps of one attempt that does not refuse, apart from its PTEs: reserve to finish, and that
private data is taken along."""


def steps_left(machine: Machine, block: int) -> int:
    """How many steps a removal of the block can take at most, from this state.

    A step of the removal that concerns the block makes it smaller, and nothing
    else makes it larger while the block goes offline.

    Source: the properties named in `memhp.spec.folios.scheduled_removal`.
    """
    frames = range(machine.topology.sizes["Frame"])
    mine = [f for f in frames if machine.evaluate("block_of", f) == block]
    ticks = range(machine.topology.sizes["Tick"])
    unspent = sum(not machine.get("spent", block, tick) for tick in ticks)
    work = sum(_work_in(machine, frame) for frame in mine)
    return work + unspent * (1 + _one_try(machine))


def most_steps(occupied: int, ticks: int, ptes: int) -> int:
    """The bound in numbers that a machine shows: linear in the frames that are occupied.

    Parameters: ``occupied``, frames of the block that hold something; ``ticks``,
    the removal's budget; ``ptes``, how many PTEs may map one folio.

    >>> most_steps(occupied=10, ticks=0, ptes=1)
    100
    """
    one_try = _STAGES + 2 * ptes
    return occupied * (one_try + 1 + ptes) + ticks * (one_try + 1)


def _one_try(machine: Machine) -> int:
    return _STAGES + 2 * machine.topology.sizes["Pte"]


def _work_in(machine: Machine, frame: int) -> int:
    """The work of the removal that is left in one frame; the store's part is not its own."""
    ptes = range(machine.topology.sizes["Pte"])
    return sum(
        bool(machine.evaluate("work_left", frame, work, pte))
        for work in _WORK
        for pte in (ptes if work in _OF_EACH_PTE else ptes[:1])
    )
