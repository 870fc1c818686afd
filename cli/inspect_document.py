"""What `memhp inspect --json` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from memhp.spec.language.errnos import errorcode

if TYPE_CHECKING:
    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.reading.architecture import ArchitectureReading
    from memhp.machines.reading.sysfs import MachineReading

__all__ = ["block_document", "design_in_names", "likely_counts", "machine_document"]


def machine_document(
    reading: MachineReading, judgements: Sequence[BlockJudgement], arch: ArchitectureReading
) -> dict[str, Any]:
    """What the document says beside the blocks.

    Args:
        reading: the machine.
        judgements: on the blocks that are asked about.
        arch: which architectures it may be of.
    """
    counts = Counter[str](judgement.verdict for judgement in judgements)
    return {
        "schema": "memhp-inspect/2",
        "source": reading.source,
        "architecture": {"names": list(arch.names), "why": arch.why},
        "design": design_in_names(reading),
        "block_size": reading.block_size,
        "block_size_derived": reading.block_size_derived,
        "notes": list(reading.notes),
        "policy": asdict(reading.policy),
        "unconfigured": list(reading.unconfigured),
        "summary": {word: counts[word] for word in ("yes", "no", "cannot tell", "offline")},
        "likely": likely_counts(judgements),
    }


def design_in_names(reading: MachineReading) -> dict[str, Any]:
    """By which design the machine is judged, as `design_of` makes it, in names."""
    from memhp.spec.profiles import otherwise, profile_of

    version = reading.kernel
    return {
        "profile": profile_of(version or (0, 0)),
        "linux": None if version is None else ".".join(map(str, version)),
        "otherwise": list(otherwise(version)) if version else [],
    }


def likely_counts(judgements: Sequence[BlockJudgement]) -> dict[str, int]:
    """How many blocks that cannot be judged are likely to go, and likely not to."""
    counts = Counter[str](each.likelihood for each in judgements if each.likelihood is not None)
    return {word: counts[f"likely {word}"] for word in ("yes", "no")}


def block_document(reading: MachineReading, judged: BlockJudgement) -> dict[str, Any]:
    """What the document says of one block; sizes and addresses in bytes.

    Args:
        reading: the machine.
        judged: the judgement on the block.
    """
    errno, outcome = judged.errno, (reading.outcomes or {}).get(judged.number)
    size = reading.block_size
    return {
        "number": judged.number,
        "node": judged.node,
        "address": None if size is None else judged.number * size,
        "device": reading.devices.get(judged.number),
        "state": judged.state,
        "zone": judged.zone,
        "verdict": judged.verdict,
        "likelihood": judged.likelihood,
        "guard": judged.guard,
        "errno": None if errno is None else errorcode[errno],
        "why": judged.why,
        "missing": list(judged.missing),
        "untold_frames": judged.untold,
        "if_no_holes": judged.if_no_holes,
        "violated": list(judged.violated),
        "errnos": [errorcode[errno] for errno in judged.errnos],
        "online": [
            {"write": way.word, "zone": way.zone, "could_go_again": way.again}
            for way in judged.online
        ],
        "outcome": outcome,
        "as_judged": None if outcome is None else judged.agrees(outcome),
    }
