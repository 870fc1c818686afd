"""Which architecture a machine is of, as far as its files tell (R3, R4, R5).

`/proc/cpuinfo` tells by lines that only one architecture writes (show_cpuinfo of
each arch/); `phys_device` of a block is other than zero on s390x alone
(Documentation/admin-guide/mm/memory-hotplug.rst).  Otherwise sizes leave several.
"""

from __future__ import annotations

from dataclasses import dataclass

from memhp.spec.numbers.architectures import ARCHITECTURES, Architecture

from .cpuinfo import family_in
from .sysfs import MachineReading

__all__ = ["ArchitectureReading", "architecture_of"]


@dataclass(frozen=True)
class ArchitectureReading:
    """The architectures that a machine may be of, by name, and what tells so."""

    names: tuple[str, ...]
    why: str

    @property
    def candidates(self) -> tuple[Architecture, ...]:
        """The figures of each, as `ARCHITECTURES` has them."""
        return tuple(each for each in ARCHITECTURES if each.name in self.names)

    @property
    def families(self) -> tuple[str, ...]:
        """The names without page sizes; a single one if the architecture is told."""
        return tuple(dict.fromkeys(name.partition("-")[0] for name in self.names))

    @property
    def page_size(self) -> int | None:
        """The bytes of a base page; None if the candidates differ in that."""
        sizes = {each.page for each in self.candidates}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def boot_memory_stays(self) -> bool | None:
        """Whether boot memory can never go offline; None if it can on some of them."""
        goes = {each.boot_memory_removable for each in self.candidates}
        return None if len(goes) > 1 else goes == {False}


def architecture_of(reading: MachineReading, name: str | None = None) -> ArchitectureReading:
    """The architectures that a machine may be of.

    Args:
        reading: the machine, as `read_machine` gives it.
        name: what the user says it is: a family or a name of `ARCHITECTURES`.
    """
    family, why = name, "--arch says so"
    if family is None and reading.cpuinfo is not None:
        family, why = family_in(reading.cpuinfo), "proc/cpuinfo says so"
    if family is None and any(block.phys_device for block in reading.blocks):
        family, why = "s390x", "only s390x tells storage increments in phys_device"
    named = [a for a in ARCHITECTURES if family in (None, a.name, a.name.partition("-")[0])]
    fits = [a.name for a in named if _fits(reading, a)]
    if family is not None:
        return ArchitectureReading(tuple(fits or [a.name for a in named]), why)
    why = "it cannot be told: nothing names it, and the sizes fit each of these; --arch tells"
    return ArchitectureReading(tuple(fits), why)


def _fits(reading: MachineReading, arch: Architecture) -> bool:
    """The page size is the architecture's, and a block is whole sections of it."""
    page = reading.page_size in (None, arch.page)
    return page and (reading.block_size is None or reading.block_size % arch.section == 0)
