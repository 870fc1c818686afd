"""What page structures tell of one block, and how a record keeps it.

`memhp/evidence` in a record has a line for each block: when its memory came, how many frames could
move whose references are not told, and how many frames are of which kind:

    memhp-evidence/1
    32 boot 0 free:32000 movable:760 held:8

No address is in it, nor which frames these are.  (`evidence` reads what this keeps.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .errors import MachineError, shown
from .findings import refuse_unknown
from .pageflags import FrameKind
from .tree import Tree

__all__ = [
    "EVIDENCE",
    "BlockEvidence",
    "Stuck",
    "evidence_text",
    "evidence_text_in",
    "recorded_evidence",
    "refined",
]

EVIDENCE = "memhp/evidence"

_SCHEMA = "memhp-evidence/1"
_CAME = {True: "boot", False: "added", None: "unknown"}
_WHEN = {word: early for early, word in _CAME.items()}
_LINE = re.compile(r"([0-9]{1,19}) ([a-z]{1,10}) ([0-9]{1,15})((?: [a-z]{1,10}:[0-9]{1,15}){1,20})")


@dataclass(frozen=True)
class Stuck:
    """A page that does not go: its first frame, kind, how many frames, and references.

    `excess` counts those that nothing explains.
    """

    frame: int
    kind: FrameKind
    frames: int
    references: int
    excess: int


@dataclass(frozen=True)
class BlockEvidence:
    """What is in one block.

    `kinds` counts frames; `untold` those of them that could move and whose references are not
    told; `stuck` has the first pages that do not go (a record does not keep them); `early` says
    whether the block was there at boot (None: not told).
    """

    kinds: Counter[FrameKind] = field(default_factory=Counter)
    untold: int = 0
    stuck: tuple[Stuck, ...] = ()
    early: bool | None = None


def evidence_text(evidence: Mapping[int, BlockEvidence]) -> str:
    """The text of `memhp/evidence`.

    >>> one = BlockEvidence(Counter({FrameKind.free: 2}), early=False)
    >>> print(evidence_text({3: one}), end="")
    memhp-evidence/1
    3 added 0 free:2
    """
    lines = [_SCHEMA]
    for block, each in sorted(evidence.items()):
        kinds = " ".join(
            f"{kind.value}:{each.kinds[kind]}" for kind in FrameKind if each.kinds[kind]
        )
        lines.append(f"{block} {_CAME[each.early]} {each.untold} {kinds}")
    return "\n".join(lines) + "\n"


def evidence_text_in(text: str, path: str = EVIDENCE) -> dict[int, BlockEvidence]:
    """The evidence in the text of `memhp/evidence`.

    Raises:
        MachineError: it is not as `evidence_text` writes it.
    """
    lines = iter(text.splitlines())
    if (first := next(lines, "")) != _SCHEMA:
        raise MachineError(f"{path}: expected {_SCHEMA} in its first line, found {shown(first)}")
    evidence: dict[int, BlockEvidence] = {}
    last = -1
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match[2] not in _WHEN or int(match[1]) <= last:
            raise MachineError(
                f"{path}: expected a block number above {last}, {', '.join(_WHEN)}, a number, and"
                f" KIND:COUNT, found {shown(line)}"
            )
        last = int(match[1])
        kinds = _kinds(match[4].split(), f"{path}, block {last}")
        evidence[last] = BlockEvidence(kinds, int(match[3]), early=_WHEN[match[2]])
    return evidence


def recorded_evidence(tree: Tree, blocks: Collection[int]) -> Mapping[int, BlockEvidence] | None:
    """The evidence that a record of this machine holds; None if it has none, or is live.

    Raises:
        MachineError: it cannot be read, or is of another machine.
    """
    text = None if tree.live else tree.read_text(EVIDENCE)
    if text is None:
        return None
    evidence = evidence_text_in(text)
    refuse_unknown(evidence, blocks, EVIDENCE)
    return evidence


def refined(
    frames: Mapping[int, Counter[FrameKind]] | None, evidence: Mapping[int, BlockEvidence] | None
) -> Mapping[int, Counter[FrameKind]] | None:
    """How many frames of each block are of which kind: by evidence, where there is any.

    >>> refined(None, {3: BlockEvidence(Counter({FrameKind.held: 2}))})
    {3: Counter({<FrameKind.held: 'held'>: 2})}
    """
    if evidence is None:
        return frames
    return {**(frames or {}), **{block: each.kinds for block, each in evidence.items()}}


def _kinds(parts: Collection[str], where: str) -> Counter[FrameKind]:
    names = {kind.value: kind for kind in FrameKind}
    kinds: Counter[FrameKind] = Counter()
    for part in parts:
        name, _, count = part.partition(":")
        if name not in names or names[name] in kinds:
            raise MachineError(f"{where}: expected each kind of frame once, found {shown(part)}")
        kinds[names[name]] = int(count)
    return kinds
