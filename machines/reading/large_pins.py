"""Where a large folio counts its pins.

VMCOREINFO does not lead there, so this is by release, from 5.10 to 7.2, on machines of 64 bits.
What stands there is taken for pins only as far as there are references that nothing else explains
(`pinned_among`): a release that counts elsewhere makes no page stuck.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["PinCount", "pin_count_of", "pinned_among"]


class PinCount(NamedTuple):
    """The structure of the folio that has the count, from the first on, and its place in there."""

    structure: int
    offset: int


_SINCE = (
    ((5, 10), PinCount(2, 16)),
    ((5, 18), PinCount(1, 24)),
    ((6, 2), PinCount(1, 28)),
    ((6, 6), PinCount(1, 32)),
    ((6, 10), PinCount(1, 28)),
)
_READ = (7, 2)


def pin_count_of(release: str | None) -> PinCount | None:
    """Where a kernel counts the pins of a large folio; None if its release was not read.

    Args:
        release: as ``uname -r`` tells it.

    Source: include/linux/mm_types.h, struct page (hpage_pinned_refcount, compound_pincount) and
    struct folio (_pincount).

    >>> pin_count_of("6.1.0-56-amd64")
    PinCount(structure=1, offset=24)
    """
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", release or "")
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    known = [place for since, place in _SINCE if since <= version <= _READ]
    return known[-1] if known else None


def pinned_among(
    structs: npt.NDArray[Any], place: PinCount | None, heads: npt.NDArray[np.intp], excess: Any
) -> npt.NDArray[np.intp]:
    """Which of these large folios are pinned, by their first frames.

    Args:
        structs: of consecutive frames, with a field `pins` at the place's offset.
        place: where pins are counted; None: not known.
        heads: the first frame of each folio.
        excess: how many references of each frame nothing explains.
    """
    if place is None:
        return heads[:0]
    heads = heads[heads + place.structure < len(structs)]
    counts = structs["pins"][heads + place.structure]
    return np.asarray(heads[(counts > 0) & (counts <= excess[heads])])
