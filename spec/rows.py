"""The rows: what the specification is for, concern by concern.

The concerns are those of the Linux memory hotplug developers' to-do list of
2004.  Each row claims columns; `memhp coverage` computes whether it has them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COLUMNS", "ROWS", "Row"]

COLUMNS = {
    "spec": "state, actions and properties say it",
    "proof": "the properties are proved, or hold to a stated scope",
    "defect": "the design that the list complains of is refuted by a short trace",
    "engine": "the optimized implementation agrees",
    "kernel": "seen on a real kernel",
    "use": "a command gives a user the benefit",
}
"""The columns, from the left, and what each means."""


@dataclass(frozen=True)
class Row:
    """One concern; ``command`` is the sub-command that a user runs for it.

    ``lacks`` are the columns that a row does not claim: *defect* if its concern names no wrong
    design, *engine* for what the engine leaves out, *kernel* where no scenario shows it.
    """

    id: str
    concern: str
    command: str
    lacks: tuple[str, ...] = ()

    @property
    def claims(self) -> tuple[str, ...]:
        """The columns that the row claims."""
        return tuple(column for column in COLUMNS if column not in self.lacks)


_KERNEL = ("kernel",)
_BOTH = ("engine", "kernel")

ROWS = (
    Row("U1", "kernel memory stays out of the removable area", "plan"),
    Row("U2", "hotplug does not slow allocation, free, fault and look-up", "explain", _KERNEL),
    Row("U3", "removal ends, and what is stuck is found first", "plan"),
    Row("U4", "removal does not wait for ever for a server to write back", "check", _KERNEL),
    Row("U5", "no device writes to a frame that is not its own any more", "check"),
    Row("U6", "which hotplug features a kernel configuration has", "kconfig", ("defect", *_BOTH)),
    Row("M1", "migration leaves no page-table entry behind", "check", _KERNEL),
    Row("M2", "a filesystem's private data is moved or released, never lost", "check", _KERNEL),
    Row("A1", "a device is ejected only when its memory is removed", "inspect"),
    Row("N1", "pgdat and mem_map are not used outside their lifetime", "replay"),
    Row("N2", "the section that holds the pgdat leaves last", "check"),
    Row("N3", "what is closed to allocation only shrinks, and becomes empty", "plan"),
    Row("N4", "contents go to the nearest node that stays", "plan"),
    Row("R1", "ia64: the section size", "sections", _BOTH),
    Row("R2", "ia64: the table that the TLB miss handler reads", "sections", _BOTH),
    Row("R3", "ppc64: sizes and rules", "check"),
    Row("R4", "x86_64: sizes and rules", "inspect"),
    Row("R5", "arm64, s390x: sizes and rules", "check", ("defect",)),
    Row("K1", "a kernel frame moves and keeps its virtual address", "check", _BOTH),
    Row("D1", "an entry of the migration cache lives while its folio moves", "replay", _KERNEL),
    Row("D2", "a huge folio moves whole, and the pools count exactly", "check"),
)
"""All rows: U for users, M for migration, A for the interface, N for nodes, R for
architectures, K for kernel memory, D for designs that build on migration."""
