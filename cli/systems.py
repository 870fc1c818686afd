"""A system of one's own, from its file: what its author specifies instead of memory hotplug.

The file calls it ``SYSTEM``; without one, it is what the file declares.  Its variants are the wrong
designs that the file declares.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .arguments import Once, file_name
from .authored import authored
from .names import choose
from .output.streams import UsageError

if TYPE_CHECKING:
    from memhp.spec.language import Profile, System, Variant

__all__ = ["SystemFile", "add_system", "changed", "load_system", "refuse_beside", "system_from"]


@dataclass(frozen=True)
class SystemFile:
    """A system and the file that it is from; its name ends in a digest of what it says.

    ``profile`` has what the file gives up.
    """

    path: Path
    system: System
    profile: Profile
    variants: Mapping[str, Variant]


def add_system(parser: ArgumentParser) -> None:
    """Add ``--system``, the file of a system of one's own."""
    parser.add_argument(
        "--system",
        type=file_name,
        action=Once,
        metavar="FILE",
        help="a system of one's own, a Python file, which is run (docs/language.md)",
    )


def load_system(path: Path) -> SystemFile:
    """The system in a file, which is run.

    Raises:
        UsageError: there is a mistake in it: in one line, with file and line.
    """
    return authored(path, lambda module, _: _of_module(path, module))


def system_from(args: Namespace) -> SystemFile | None:
    """The system that ``--system`` names; None without one.

    Raises:
        UsageError: there is a mistake in it, or something that is given does not go with it.
    """
    if args.system is None:
        return None
    refuse_beside(args, "design")
    refuse_beside(args, "profile")
    return load_system(args.system)


def refuse_beside(args: Namespace, other: str) -> None:
    """Return unless the option ``other`` is given beside ``--system``.

    Raises:
        UsageError: it is.
    """
    if getattr(args, other, None) not in (None, False, "list-2004"):
        option = other.replace("_", "-")
        raise UsageError(f"--system is no memory hotplug: leave --{option} out")


def changed(own: SystemFile, variant: str | None) -> System:
    """The system, or a wrong design of it that the file declares.

    Raises:
        UsageError: there is no such one, or its edits do not fit.
    """
    from memhp.spec.language import SpecificationError, apply

    if variant is None:
        return own.system
    if not own.variants:
        raise UsageError(f"{own.path} declares no variant: X = Variant(…)")
    try:
        return apply(own.system, own.variants[choose("variant", variant, own.variants)])
    except SpecificationError as error:
        raise UsageError(str(error)) from None


def _of_module(path: Path, module: ModuleType) -> SystemFile:
    from memhp.spec.language import Profile, SpecificationError, System, Variant, load

    given = getattr(module, "SYSTEM", None)
    system = load(path.stem, (module,)) if given is None else given
    if not isinstance(system, System):
        raise SpecificationError("SYSTEM is no system: write SYSTEM = load(name, (module, …))")
    if not (system.actions and system.variables and system.properties):
        raise SpecificationError("it lacks an action, a variable, or a property to be checked")
    variants = [each for each in vars(module).values() if isinstance(each, Variant)]
    given_up = tuple((claim, "its file gives it up") for claim in sorted(system.given_up))
    says = repr(replace(system, given_up=frozenset())).replace(str(path), path.name)
    digest = sha256(says.encode()).hexdigest()
    named = replace(system, name=f"{system.name}@{digest[:12]}")
    profile = Profile(system.name, (module.__doc__ or "").strip(), (), given_up)
    return SystemFile(path, named, profile, {each.name: each for each in variants})
