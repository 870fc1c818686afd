"""What a specification declares that acts or claims: each told in words and in logic."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from inspect import cleandoc
from types import ModuleType

from memhp.spec.cures import cures_of
from memhp.spec.language import Action, Axiom, Definition, Guard, Property, System
from memhp.spec.language.errnos import errorcode
from memhp.spec.language.system import Update
from memhp.spec.language.terms import Var

from .entry import Entry, Subject, Told, first_sentence, wrapped
from .readers import Readers

__all__ = ["claims", "definitions", "guard_line", "modules", "of_actions", "signature"]


def signature(name: str, params: tuple[Var, ...]) -> str:
    """As it is declared: ``name(b: Block)``."""
    return f"{name}({', '.join(f'{var}: {var.sort}' for var in params)})"


# --- actions and guards -------------------------------------------------------------------------


def of_actions(subject: Subject) -> Iterator[Entry]:
    """The actions, and their guards as ACTION.GUARD."""
    for action in subject.system.actions:
        tell = partial(_action, subject, action)
        yield Entry("action", action.name, action.doc, tell)
    for action in subject.system.actions:
        for guard in action.guards:
            name, tell = f"{action.name}.{guard.name}", partial(_guard, subject, action, guard)
            yield Entry("guard", name, f"It refuses: {guard.why}.", tell, (guard.name,))


def guard_line(guard: Guard, name: str = "") -> str:
    """A guard with its errno, and why it refuses.

    Args:
        guard: the guard.
        name: what it is called there; "" by its own name.
    """
    return f"guard {_coded(guard, name or guard.name)}: {guard.why}"


def _coded(guard: Guard, name: str) -> str:
    return name if guard.errno is None else f"{name} [{errorcode[guard.errno]}]"


def _cures(subject: Subject, action: Action, guard: Guard) -> Iterator[str]:
    for cure in cures_of(f"{action.name}.{guard.name}") if subject.of_hotplug else ():
        about = f" ({', '.join(cure.kinds)})" if cure.kinds else ""
        yield from wrapped(f"cure{about}: {cure.text}. Source: {cure.source}", "")


def _guard_lines(subject: Subject, action: Action, guard: Guard) -> Iterator[str]:
    yield f"{guard_line(guard)} unless"
    yield f"  {guard.condition}"
    for line in _cures(subject, action, guard):
        yield f"  {line}"


def _update_line(update: Update) -> str:
    if update.point is not None:
        return f"{update.symbol}[{', '.join(map(str, update.point))}] := {update.value}"
    names = ", ".join(map(str, update.variables))
    return f"{update.symbol}[{names}] := {update.value} where {update.condition}"


def _action(subject: Subject, action: Action) -> Told:
    guards = [line for guard in action.guards for line in _guard_lines(subject, action, guard)]
    return Told(
        f"action {signature(action.name, action.params)}",
        str(action.where),
        (*guards, *map(_update_line, action.updates), *_cost(subject, action)),
        {"wrong designs of it": _wrong_designs(subject, action.name)},
    )


def _guard(subject: Subject, action: Action, guard: Guard) -> Told:
    of = f"of action {signature(action.name, action.params)}: {first_sentence(action.doc)}"
    logic = (f"unless {guard.condition}", *_cures(subject, action, guard), *wrapped(of, ""))
    return Told(
        f"guard {_coded(guard, f'{action.name}.{guard.name}')}",
        str(guard.where),
        logic,
        {"wrong designs of it": _wrong_designs(subject, action.name, guard.name)},
    )


def _wrong_designs(subject: Subject, action: str, guard: str | None = None) -> tuple[str, ...]:
    """The variants that edit the action, or that guard of it."""
    return tuple(
        variant.name
        for variant in subject.variants
        if any(
            getattr(edit, "action", None) == action
            and guard in (None, getattr(edit, "guard", None))
            for edit in variant.edits
        )
    )


def _cost(subject: Subject, action: Action) -> Iterator[str]:
    """What a step reads and writes, and what of it hotplug costs."""
    if not subject.of_hotplug:
        return
    from memhp.checks.numbers.cost import cost, normal_path
    from memhp.spec.numbers.normal_path import NORMAL_PATH

    its = cost(action, subject.system)
    yield f"reads {', '.join(its.symbols) or 'nothing'} ({its.amount})"
    yield f"writes {', '.join(its.writes)}"
    if its.unbounded:
        yield f"looks at all elements: {', '.join(its.unbounded)}"
    if action.name in NORMAL_PATH:
        (result,) = (each for each in normal_path(subject.system) if each.name == action.name)
        yield f"normal path: {result.detail}"


# --- claims and definitions ---------------------------------------------------------------------


def claims(subject: Subject) -> Iterator[Entry]:
    """The properties and the axioms."""
    for claim in subject.system.properties:
        yield Entry("property", claim.name, claim.doc, partial(_property, subject, claim))
    for axiom in subject.system.axioms:
        yield Entry("axiom", axiom.name, axiom.doc, partial(_axiom, axiom, subject.system))


def _property(subject: Subject, claim: Property) -> Told:
    return Told(
        f"{claim.kind} {signature(claim.name, claim.params)}",
        str(claim.where),
        (str(claim.formula),),
        {
            "rows": claim.covers,
            "its proof needs": claim.using,
            "broken by": tuple(each.name for each in subject.variants if each.breaks == claim.name),
        },
    )


def _axiom(axiom: Axiom, system: System) -> Told:
    needs = [each.name for each in system.properties if axiom.name in each.using]
    needs += [each.name for each in system.actions if axiom.name in each.using]
    return Told(
        f"axiom {signature(axiom.name, axiom.params)}",
        str(axiom.where),
        (str(axiom.formula),),
        {"named by the proofs of": tuple(needs)},
    )


def definitions(system: System, readers: Readers) -> Iterator[Entry]:
    """The definitions."""
    for each in system.definitions.values():
        tell = partial(_definition, each, readers)
        yield Entry("definition", each.name, each.doc, tell)


def _definition(definition: Definition, readers: Readers) -> Told:
    return Told(
        f"definition {signature(definition.name, definition.params)}",
        str(definition.where),
        (f"= {definition.body}",),
        readers.related(definition.name),
    )


# --- modules ------------------------------------------------------------------------------------


def modules(system: System) -> Iterator[Entry]:
    """The modules of the specification, by their last name and by the whole."""
    places = [each.where for each in system.actions]
    places += [each.where for each in system.properties]
    places += [each.where for each in system.axioms]
    places += [each.where for each in system.definitions.values()]
    places += system.places.values()
    for name, room in {where.module: where.room for where in places}.items():
        doc = cleandoc((_module(name)).__doc__ or "")
        tell = partial(_told_module, system, name, room)
        yield Entry("module", room, doc, tell, (name,))


def _module(name: str) -> ModuleType:
    """The module of that name; that of a design was made when its file was run."""
    return sys.modules.get(name) or import_module(name)


def _told_module(system: System, name: str, room: str) -> Told:
    return Told(
        f"module {room}",
        name,
        (),
        {
            "actions": tuple(each.name for each in system.actions if each.where.module == name),
            "properties": tuple(
                each.name for each in system.properties if each.where.module == name
            ),
            "axioms": tuple(each.name for each in system.axioms if each.where.module == name),
            "definitions": tuple(
                each.name for each in system.definitions.values() if each.where.module == name
            ),
            "variables and topology": tuple(
                symbol for symbol, where in system.places.items() if where.module == name
            ),
        },
    )
