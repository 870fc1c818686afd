"""Certificates in a folder: obligations, assumptions and proofs, for whoever doubts a verdict.

For each property, and for the updates of each action, there is a file ``NAME.tar.gz``.  It holds
each obligation as SMT-LIB 2 and its proof in CPC beside it.  ``manifest.json``
(cli/schema/proofs.json) has a row for each, with digests.

`verify` holds such a folder against a specification: it makes the obligations anew, so a
certificate of anything else, or one that is missing, is found.  Whether each step of a proof
follows is for a proof checker to say (docs/proofs.md).
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from memhp.spec.language.system import System

from ..support.files import json_of, read_whole
from ..support.scratch import temporary_folder
from .certificates import Certificate, digest
from .cpc import account
from .obligations import Obligation, Obligations
from .smt import script
from .solvers import solver_version

__all__ = ["MANIFEST", "Archive", "archive", "verify"]

MANIFEST = "manifest.json"
SCHEMA = "memhp-proofs/1"
_LARGEST = 64 << 20
"""No more bytes of a file are read, nor made of a compressed one."""


class Archive:
    """A folder that certificates are written to; see `archive`."""

    def __init__(self, staging: Path, place: Path) -> None:
        self._staging, self._place = staging, place
        self._rows: list[dict[str, Any]] = []

    def take(self, name: str, certificates: Sequence[Certificate]) -> None:
        """Write the certificates of a property or of an action's updates."""
        files = {f"{each.name}.smt2": f"{each.text}\n(check-sat)\n" for each in certificates}
        files |= {f"{each.name}.cpc": each.proof for each in certificates}
        (self._staging / f"{name}.tar.gz").write_bytes(_packed(files))
        self._rows += (
            {
                "property": name,
                "action": each.action,
                "name": each.name,
                "assumes": list(each.assumes),
                "obligation": digest(each.text),
                "proof": digest(each.proof),
                "steps": each.account.steps,
                "trusted": each.account.trusted,
            }
            for each in certificates
        )

    def finish(self, system: System, proved: Collection[str]) -> int:
        """Write the manifest, and put the folder in its place; the number of its certificates.

        Args:
            system: the specification.
            proved: the names of the properties that the certificates prove.

        Raises:
            OSError: the folder cannot be put there.
        """
        document = {
            "schema": SCHEMA,
            "system": system.name,
            "solver": f"cvc5 {solver_version('cvc5')}",
            "format": "cpc",
            "properties": sorted(proved),
            "certificates": sorted(self._rows, key=lambda row: (row["property"], row["name"])),
        }
        (self._staging / MANIFEST).write_text(json.dumps(document, indent=1) + "\n")
        os.chmod(self._staging, 0o777 & ~_mask())
        with suppress(FileNotFoundError):
            os.rmdir(self._place)
        os.rename(self._staging, self._place)
        return len(self._rows)


@contextmanager
def archive(place: Path) -> Iterator[Archive]:
    """A folder of certificates, which is there as a whole once it is finished, or not at all.

    Raises:
        FileExistsError: there is something already, other than an empty folder.
        OSError: it cannot be written.
    """
    place = Path(os.path.realpath(place))
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise FileExistsError(f"{place.name} is there already, and not an empty folder")
    with temporary_folder(place.parent) as staging:
        yield Archive(staging, place)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _packed(files: dict[str, str]) -> bytes:
    """A tar file, compressed: the same for the same files, whenever and by whomever."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for name, content in files.items():
            data = content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), 6, mtime=0)


def _unpacked(plain: bytes) -> dict[str, str]:
    """What `_packed` put there, by name: plain files and nothing else.

    Python's own reader would make holes of any length, and follow headers into headers.
    Raises ValueError or TarError for another kind of tar file.
    """
    files, at = {}, 0
    while any(header := plain[at : at + tarfile.BLOCKSIZE]):
        member = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        if member.type != tarfile.REGTYPE or member.size < 0:
            raise ValueError("a member is no plain file")
        begin = at + tarfile.BLOCKSIZE
        at = begin + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        files[member.name] = plain[begin : begin + member.size].decode()
    return files


def verify(system: System, folder: Path, wanted: Collection[str]) -> tuple[int, list[str]]:
    """The number of certificates in the folder, and its faults, a line for each.

    Each of the properties, each invariant that their proofs use, and the updates of each action
    must have a certificate for each obligation that the system gives rise to; of these the text,
    the digests and the number of steps without a reason are looked at.

    Args:
        system: the properties to prove, as `run.provable_part` has them.
        folder: as `archive` wrote it.
        wanted: the names of the properties that must be certified.

    Raises:
        OSError: the manifest cannot be read.
        ValueError: it is no such document.
    """
    document = json_of(read_whole(folder / MANIFEST, _LARGEST, regular=True))
    rows = _rows(document)
    faults = list(_Verification(system, folder, rows).faults(wanted))
    return sum(map(len, rows.values())), faults


def _rows(document: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """The rows by property and name."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    try:
        rows: dict[str, dict[str, dict[str, Any]]] = {}
        for row in document["certificates"]:
            entry = {key: _of_type(row[key], kind) for key, kind in _COLUMNS.items()}
            entry["assumes"] = [_of_type(label, str) for label in entry["assumes"]]
            if entry["name"] in rows.setdefault(entry["property"], {}):
                raise ValueError(f"{entry['name'][:80]!r} is there twice")
            rows[entry["property"]][entry["name"]] = entry
    except (KeyError, TypeError) as error:
        raise ValueError(f"a row is not as it must be: {error}") from None
    return rows


_COLUMNS: dict[str, type] = {
    "property": str,
    "name": str,
    "action": str,
    "assumes": list,
    "obligation": str,
    "proof": str,
    "steps": int,
    "trusted": int,
}


def _of_type(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]!r} is not of type {kind.__name__}")
    return value


class _Verification:
    def __init__(
        self, system: System, folder: Path, rows: dict[str, dict[str, dict[str, Any]]]
    ) -> None:
        self._system, self._folder, self._rows = system, folder, rows
        self._obligations = Obligations(system)
        self._invariants = {claim.name for claim in system.of_kind("always")}

    def faults(self, wanted: Collection[str]) -> Iterator[str]:
        """The faults; the properties that the proofs of the wanted ones use are wanted as well."""
        updates = [f"disjoint__{action}" for action in self._system.action_by_name]
        for name, action in zip(updates, self._system.action_by_name, strict=True):
            yield from self._of(name, self._obligations.of_action(action))
        seen = {*wanted, *self._used(updates)}
        todo = sorted(seen)
        for name in todo:
            yield from self._of(name, self._obligations.of_property(name))
            more = self._used([name]) - seen
            todo += sorted(more)
            seen |= more
        expected = {*updates, *seen}
        provable = {claim.name for claim in self._system.of_kind("always", "step", "ends")}
        for name in sorted(self._rows.keys() - expected):
            if name in provable:
                yield from self._of(name, self._obligations.of_property(name))
            else:
                yield f"{name} is no property that can be proved of this specification"

    def _used(self, names: Iterable[str]) -> set[str]:
        """The invariants that the certificates of those names use."""
        rows = [row for name in names for row in self._rows.get(name, {}).values()]
        used = {label for row in rows for label in row["assumes"]}
        return {each for each in self._invariants if f"always.{each}" in used}

    def _of(self, name: str, obligations: Iterator[Obligation]) -> Iterator[str]:
        """The faults of the certificates of a property, or of an action's updates."""
        rows = dict(self._rows.get(name, {}))
        needed = [each for each in obligations if not each.unchanged]
        files = self._files(name) if rows else {}
        for each in needed:
            row = rows.pop(each.name, None)
            if row is None:
                yield f"{each.name} has no certificate"
            else:
                yield from self._of_row(row, each, files)
        yield from (f"{other} is no obligation of this specification" for other in sorted(rows))

    def _of_row(
        self, row: dict[str, Any], obligation: Obligation, files: dict[str, str]
    ) -> Iterator[str]:
        labels = set(row["assumes"])
        parts = [part for part in obligation.assumptions if part.label in labels]
        if len(parts) != len(row["assumes"]):
            yield f"{obligation.name} assumes what it may not assume"
            return
        text = script(self._system, obligation, parts)
        proof = files.get(f"{obligation.name}.cpc", "")
        if digest(text) != row["obligation"]:
            yield f"{obligation.name}: the certificate is of another obligation"
        if files.get(f"{obligation.name}.smt2") != f"{text}\n(check-sat)\n":
            yield f"{obligation.name}: the text in its file is not the obligation"
        if digest(proof) != row["proof"]:
            yield f"{obligation.name}: the proof is not the one of the manifest"
        steps = account(proof, text)
        if steps.steps != row["steps"]:
            yield f"{obligation.name}: the proof does not have {row['steps']} steps"
        if steps.trusted != row["trusted"]:
            yield f"{obligation.name}: the manifest says {row['trusted']} steps without a reason"
        if row["action"] != (obligation.action.name if obligation.action else ""):
            yield f"{obligation.name} is not about the action of the manifest"
        if steps.foreign:
            yield f"{obligation.name}: the proof assumes what its text does not say"
        if steps.trusted:
            yield f"{obligation.name}: {steps.trusted} steps of the proof give no reason"

    def _files(self, name: str) -> dict[str, str]:
        """The files that are packed under that name; none if they cannot be read."""
        try:
            path = self._folder / f"{name}.tar.gz"
            packed = read_whole(path, _LARGEST, regular=True)
            unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
            plain = unpack.decompress(packed, _LARGEST)
            return _unpacked(plain)
        except (OSError, ValueError, zlib.error, tarfile.TarError):
            return {}
