"""`memhp export requirements`: the specification as requirements on Linux, and what they cite."""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.spec.language.errnos import errorcode

from .arguments import file_name, processes
from .drift import changes_of, drift_as_json, show_drift
from .files import fail, write_file, write_json
from .names import system_of
from .output.streams import UsageError, show_progress
from .output.terminal import tell

if TYPE_CHECKING:
    from memhp.checks.decision import Decision
    from memhp.lab.conform.evidence import ScenarioEvidence
    from memhp.lab.kernels.definitions import Tree
    from memhp.spec.language import Action, Property, System, Variant

    from .index.entry import Entry

_SCHEMA = "memhp-requirements/1"
_FILE = re.compile(r"(?<![\w/])(?:[\w-]+/)+[\w-]+\.[ch]\b")

_EPILOG = """examples:
  memhp export requirements requirements.json   for programs: memhp schema requirements
  memhp export requirements memhp.sdoc          for StrictDoc
  memhp export requirements out/                both, and functions.json: what the tree defines
  memhp export requirements --drift linux/      which cited functions are not what was read
  memhp export requirements --tree linux-6.12/ --drift linux-7.1/

A requirement is a claim, an action or a guard, under the name that memhp explain takes, which
does not change.  It names the functions, structures and macros of Linux that it cites: a claim
those of the actions that write what it reads, too.  A digest is the SHA-256 of the lines of a
definition in the tree that was read; memhp brings those of the tree that it was written from.

lines of --drift: changed, moved (the same lines in another file), gone, new, each with the
  requirements that cite it (some names only modules and wrong designs cite: memhp explain NAME);
  not found: what neither tree defines, such as fields of structures

exit codes: 0 written, or nothing cited has changed; 1 something has; 2 usage
"""


@dataclass(frozen=True)
class Requirement:
    """What must be so, under a name that stays.

    ``functions`` are the names of Linux that it cites; ``parents`` the claims that it is there
    for; ``decision`` is on a claim; ``scenarios`` are those of its rows that kernels played.
    """

    id: str
    kind: str
    sentence: str
    module: str
    functions: tuple[str, ...]
    rows: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    decision: Decision | None = None
    scenarios: tuple[ScenarioEvidence, ...] = ()

    @property
    def kernels(self) -> list[str]:
        """The kernels that have played one of its scenarios."""
        return list(dict.fromkeys(name for each in self.scenarios for name in each.kernels))


def add_parser(parts: Any) -> None:
    """Add the sub-command."""
    parser = parts.add_parser(
        "requirements",
        help="claims, actions and guards as requirements, with the functions of Linux they cite",
        description="Writes claims, actions and guards as requirements, each with the functions of"
        " Linux that it cites, its proof, and the kernels that have shown it.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "path",
        nargs="?",
        type=file_name,
        metavar="FILE|DIR",
        help="NAME.json, NAME.sdoc, or a folder for both",
    )
    parser.add_argument(
        "--tree", type=file_name, metavar="TREE", help="kernel sources to take digests from"
    )
    parser.add_argument(
        "--drift",
        type=file_name,
        metavar="TREE",
        help="other kernel sources: say what is not the same there",
    )
    parser.add_argument("--jobs", type=processes, help="processes for proofs (default: all cores)")
    parser.add_argument("--json", action="store_true", help="with --drift: machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the requirements, or say what has changed."""
    from memhp.lab.tools.errors import LabError

    try:
        if (args.path is None) == (args.drift is None):
            raise UsageError("name a file or folder to write, or --drift TREE")
        if args.json and args.drift is None:
            raise UsageError("--json goes with --drift; for a document: NAME.json")
        return _drift(args) if args.drift else _write(args)
    except (LabError, UsageError) as error:
        return fail("export", error)


# --- what is required ---------------------------------------------------------------------------


class _Cited:
    """The names of Linux that something cites, and files that are named beside them."""

    def __init__(self, every: Sequence[Entry]) -> None:
        self.names = {entry.name for entry in every if entry.kind == "function"}
        self.files = {path for entry in every for path in _FILE.findall(entry.doc)}
        self._modules = {entry.name: entry.doc for entry in every if entry.kind == "module"}

    def by(self, *texts: str) -> tuple[str, ...]:
        from .index.kernel import cited_in

        every = [name for text in texts for name in cited_in(text) if name in self.names]
        return tuple(dict.fromkeys(every))

    def of_action(self, action: Action) -> tuple[str, ...]:
        """What an action cites; else what the introduction of its module does."""
        return self.by(action.doc) or self.by(self._modules.get(action.module, ""))


def requirements_of(
    system: System, variants: Sequence[Variant], every: Sequence[Entry]
) -> list[Requirement]:
    """The claims of the specification, its actions and their guards, without verdicts.

    Args:
        system: the specification.
        variants: the wrong designs.
        every: what has a name (`index.entries`).
    """
    cited = _Cited(every)
    by_edit: dict[str, list[Variant]] = defaultdict(list)
    for variant in variants:
        for edit in variant.edits:
            parts = (getattr(edit, "action", None), getattr(edit, "guard", None))
            by_edit[".".join(part for part in parts if part)].append(variant)
    found = [_claim(system, claim, variants, cited) for claim in system.properties]
    for action in system.actions:
        found.append(_action(action, by_edit[action.name], cited))
        found += _guards(action, by_edit, cited)
    return found


def _claim(
    system: System, claim: Property, variants: Iterable[Variant], cited: _Cited
) -> Requirement:
    from memhp.checks.ground.cuts import reads

    read = reads(system, claim.formula)
    through = [cited.of_action(each) for each in system.actions if each.written & read]
    names = dict.fromkeys([*cited.by(claim.doc), *(n for names in through for n in names)])
    broken = tuple(variant.name for variant in variants if variant.breaks == claim.name)
    sentence = " ".join(claim.doc.split())
    kind, module = f"claim: {claim.kind}", claim.module
    return Requirement(
        claim.name, kind, sentence, module, tuple(names), claim.covers, refuted=broken
    )


def _action(action: Action, edited: Sequence[Variant], cited: _Cited) -> Requirement:
    parents = tuple(dict.fromkeys(variant.breaks for variant in edited))
    sentence = " ".join(action.doc.partition("\n\n")[0].split())
    return Requirement(
        action.name,
        "action",
        sentence,
        action.module,
        cited.of_action(action),
        parents=parents,
        refuted=tuple(variant.name for variant in edited),
    )


def _guards(
    action: Action, by_edit: Mapping[str, Sequence[Variant]], cited: _Cited
) -> Iterator[Requirement]:
    for guard in action.guards:
        name = f"{action.name}.{guard.name}"
        edited = by_edit.get(name, ())
        answer = f" with {errorcode[guard.errno]}" if guard.errno else ""
        yield Requirement(
            name,
            "guard",
            f"{action.name} is refused{answer}: {guard.why}.",
            action.module,
            cited.by(guard.why) or cited.of_action(action),
            parents=tuple(dict.fromkeys([action.name, *(each.breaks for each in edited)])),
            refuted=tuple(variant.name for variant in edited),
        )


def _decided(found: Sequence[Requirement], system: System, jobs: int | None) -> list[Requirement]:
    """The same with a verdict on each claim, and what kernels have shown of its rows."""
    from dataclasses import replace

    from memhp.checks.proof.cache import default_folder
    from memhp.checks.run import check
    from memhp.lab.conform.evidence import evidence, recorded
    from memhp.spec.profiles import PROFILES

    show_progress("proving every property")
    decisions = {
        each.claim.name: each
        for each in check(system, PROFILES[0], jobs=jobs, folder=default_folder())
    }
    show_progress()
    shown = list(evidence(recorded()))
    return [
        replace(
            each,
            decision=decisions.get(each.id),
            scenarios=tuple(one for one in shown if {*one.scenario.rows} & {*each.rows}),
        )
        for each in found
    ]


# --- what is written ----------------------------------------------------------------------------


def _subject() -> tuple[System, list[Entry], list[Requirement]]:
    from memhp.spec.variants import VARIANTS

    from .index.entries import entries
    from .index.entry import Subject

    system = system_of([])
    every = entries(Subject(system, tuple(VARIANTS)))
    return system, every, requirements_of(system, VARIANTS, every)


def _write(args: argparse.Namespace) -> int:
    from .output.sdoc import sdoc

    path: Path = args.path
    whole = path.is_dir() or not path.suffix
    if not whole and path.suffix not in (".json", ".sdoc"):
        raise UsageError(f"{path}: the name ends in .json or .sdoc, or is that of a folder")
    system, every, found = _subject()
    tree = _tree(args.tree, every)
    found = _decided(found, system, args.jobs)
    document = as_json(system, found, tree)
    if whole:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
        write_json(path / "functions.json", tree.to_json())
    if whole or path.suffix == ".json":
        write_json(path / "requirements.json" if whole else path, document)
    if whole or path.suffix == ".sdoc":
        write_file(path / "requirements.sdoc" if whole else path, sdoc(document))
    missing = sum(not each for each in tree.definitions.values())
    tell(
        f"{path}: {len(found)} requirements cite {len(tree.definitions)} functions, structures and"
        f" macros of Linux; {missing} of these Linux {tree.version} does not define"
    )
    return 0


def _tree(folder: Path | None, every: Sequence[Entry], base: Tree | None = None) -> Tree:
    """What a tree defines of what is cited; without a folder, what memhp's own record says.

    Args:
        folder: kernel sources.
        every: what has a name.
        base: another tree; where it defines a name, this one probably does, too.
    """
    from memhp.lab.kernels.definitions import read_tree, recorded_tree

    if folder is None:
        return recorded_tree()
    cited = _Cited(every)
    known = base.definitions if base else {}
    likely = {name: {each.file for each in found} for name, found in known.items()}
    show_progress(f"reading {folder}")
    tree = read_tree(folder, cited.names, {**likely, "": cited.files})
    show_progress()
    return tree


def as_json(system: System, found: Sequence[Requirement], tree: Tree) -> dict[str, Any]:
    """The document of schema ``memhp-requirements/1`` (cli/schema/requirements.json)."""
    return {
        "schema": _SCHEMA,
        "system": system.name,
        "tree": {"version": tree.version},
        "requirements": [_requirement(each) for each in found],
        "functions": tree.to_json()["definitions"],
    }


def _requirement(it: Requirement) -> dict[str, Any]:
    decision = it.decision
    proof = decision and {
        "verdict": decision.verdict.value,
        "method": decision.method,
        "scope": decision.scope,
        "obligations": decision.proof.obligations if decision.proof else 0,
    }
    return {
        "id": it.id,
        "kind": it.kind,
        "sentence": it.sentence,
        "module": it.module,
        "rows": list(it.rows),
        "parents": list(it.parents),
        "functions": list(it.functions),
        "proof": proof,
        "refuted": list(it.refuted),
        "scenarios": [
            {
                "name": each.scenario.name,
                "agrees": each.agrees,
                "deviates": each.scenario.deviates,
                "earlier_rules": each.earlier,
                "kernels": list(each.kernels),
            }
            for each in it.scenarios
        ],
        "kernels": it.kernels,
    }


# --- what has changed ---------------------------------------------------------------------------


def _drift(args: argparse.Namespace) -> int:
    _, every, found = _subject()
    base = _tree(args.tree, every)
    other = _tree(args.drift, every, base)
    citing: dict[str, list[str]] = defaultdict(list)
    for each in found:
        for name in each.functions:
            citing[name].append(each.id)
    changes = list(changes_of(base, other))
    if args.json:
        print(json.dumps(drift_as_json(base, other, changes, citing), indent=1))
    else:
        show_drift(base, other, changes, citing)
    return 1 if changes else 0
