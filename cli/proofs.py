"""`memhp check --proofs` and `--verify-proofs`: certificates kept, and held against the rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .output.streams import UsageError, one_line

if TYPE_CHECKING:
    from memhp.checks.proof.certificates import Certificate
    from memhp.checks.proof.proofs import Archive
    from memhp.checks.run import Decision
    from memhp.spec.language import Profile, System

    Taker = Callable[[str, Sequence[Certificate]], None]

_MOST = 20
"""So many faults are shown."""


@contextmanager
def kept_proofs(place: Path | None) -> Iterator[Archive | None]:
    """The archive into which certificates go; None without a place.

    Raises:
        UsageError: nothing can be written there.
    """
    from memhp.checks.proof.proofs import archive

    with ExitStack() as open_ones:
        proofs = None
        if place is not None:
            with _writing(place):
                proofs = open_ones.enter_context(archive(place))
        yield proofs


def taker(proofs: Archive | None, place: Path) -> Taker | None:
    """The function that takes a property's certificates into the archive; None without one.

    It ends with a `UsageError` if they cannot be written.
    """

    def take(name: str, certificates: Sequence[Certificate]) -> None:
        if proofs:
            with _writing(place):
                proofs.take(name, certificates)

    return take if proofs else None


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise UsageError(f"--proofs: {error.args[-1]}: name a new one") from None
    except OSError as error:
        raise UsageError(f"cannot write to {place}: {error.strerror or error}") from None


def finish(proofs: Archive, place: Path, system: System, decisions: list[Decision]) -> None:
    """Put the folder there, if every property is proved and certified; say so on standard error.

    Args:
        proofs: the certificates.
        place: the folder.
        system: of which they are.
        decisions: on its properties.

    Raises:
        UsageError: the folder cannot be written.
    """
    passing = [each for each in decisions if each.proof and each.counts_as.passes]
    if failing := [
        each for each in decisions if each.proof and not (each.certified and each in passing)
    ]:
        names = ", ".join(each.claim.name for each in failing[:3])
        print(f"no proofs are kept: {names} is not certified", file=sys.stderr)
        return
    with _writing(place):
        count = proofs.finish(system, [each.claim.name for each in passing])
    print(f"{count} proofs kept in {one_line(str(place))}", file=sys.stderr)


def verify_proofs(place: Path, system: System, profile: Profile, only: set[str] | None) -> int:
    """Hold kept proofs against the specification; the exit code says whether they are whole.

    Args:
        place: their folder.
        system: the specification.
        profile: whose choices it has.
        only: the names of the properties; None: of all.

    Raises:
        UsageError: nothing of these has a proof, or the folder holds no proofs.
    """
    from memhp.checks.proof.proofs import MANIFEST, verify
    from memhp.checks.run import provable_part

    provable = provable_part(system, profile)
    names = {claim.name for claim in provable.of_kind("always", "step", "ends")}
    wanted = names if only is None else names & only
    if not wanted:
        raise UsageError("--only names nothing that has a proof: a trace shows a *sometimes*")
    try:
        count, faults = verify(provable, place, wanted)
    except OSError as error:
        raise UsageError(f"cannot read {place / MANIFEST}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{place / MANIFEST} is no manifest of proofs: {error}") from None
    for fault in faults[:_MOST]:
        print(one_line(fault))
    if more := len(faults) - _MOST if len(faults) > _MOST else 0:
        print(f"and {more} more")
    if faults:
        print(f"{len(faults)} faults in {count} certificates")
        return 1
    of = f"{count} certificates of {len(wanted)} properties"
    print(f"{of}: each is of this specification, none is missing, every step has a rule")
    return 0
