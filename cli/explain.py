"""`memhp explain`: one thing of the specification, in words and in logic."""

from __future__ import annotations

import argparse
from errno import errorcode
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any

from .designs import add_design, design_in
from .files import fail
from .names import choose
from .output.streams import UsageError
from .systems import SystemFile, add_system, system_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memhp.spec.cures import Cure
    from memhp.spec.language import Action, Property, System
    from memhp.spec.language.edits import Variant
    from memhp.spec.language.system import Definition, Variable, Where
    from memhp.spec.language.terms import Var


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "explain",
        help="an action, guard, property, variant, variable or row: what it says",
        description="Explains one name of the specification: an action, a guard"
        " (ACTION.GUARD), a property, a variable, a definition, a variant, or a row such as N2.",
    )
    parser.add_argument("name")
    add_design(parser)
    add_system(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the explanation; the exit code is 2 if nothing has that name."""
    from memhp.spec.system import SYSTEM

    try:
        if own := system_from(args):
            lines = explain_own(own, args.name)
        else:
            design = design_in(args)
            lines = explain(design.own.system if design else SYSTEM, args.name)
        print("\n".join(lines))
    except UsageError as error:
        return fail("explain", error)
    return 0


def explain(system: System, name: str) -> list[str]:
    """The lines that explain a name.

    Args:
        system: the specification of memory hotplug, or a design of one's own.
        name: of an action, a guard (ACTION.GUARD), a property, a row, and so on.

    Raises:
        UsageError: nothing has that name.
    """
    from memhp.spec.cures import cures_of
    from memhp.spec.rows import ROWS
    from memhp.spec.variants import VARIANTS

    rows = {row.id: row.concern for row in ROWS}
    lines = _explained(system, name, VARIANTS, rows, cures_of)
    return [*lines, *_cost(system, name)] if name in system.action_by_name else lines


def explain_own(own: SystemFile, name: str) -> list[str]:
    """The lines that explain a name of a system of one's own.

    Args:
        own: the system.
        name: of something in it, or of a variant.

    Raises:
        UsageError: nothing has that name.
    """
    variants = tuple(own.variants.values())
    rows = dict.fromkeys(own.system.rows, "")
    return _explained(own.system, name, variants, rows, lambda _: ())


def _explained(
    system: System,
    name: str,
    variants: Sequence[Variant],
    rows: Mapping[str, str],
    cures_of: Callable[[str], Sequence[Cure]],
) -> list[str]:
    """The lines, of a system with those variants and rows, each with its concern."""
    variant_named = {variant.name: variant for variant in variants}
    if name in system.action_by_name:
        return _action(system.action_by_name[name], cures_of)
    if name in system.property_by_name:
        return _property(system.property_by_name[name])
    if (row := name.upper()) in rows:
        claims = [claim for claim in system.properties if row in claim.covers]
        return _row(row, rows[row], claims, [each for each in variants if row in each.covers])
    if name in variant_named:
        return _variant(variant_named[name])
    if name in system.definitions:
        return _definition(system.definitions[name])
    for variable in system.variables:
        if variable.symbol.name == name:
            return _variable(variable)
    guards = {
        f"{action.name}.{guard.name}": action
        for action in system.actions
        for guard in action.guards
    }
    names = [
        *system.action_by_name,
        *system.property_by_name,
        *rows,
        *variant_named,
        *system.definitions,
        *(v.symbol.name for v in system.variables),
        *guards,
    ]
    chosen = choose("name", name, names)
    return _action(guards[chosen], cures_of, only=chosen.partition(".")[2])


def _definition(definition: Definition) -> list[str]:
    return [
        _head(f"definition {definition.name}", definition.params, definition.where),
        _indent(definition.doc),
        f"  = {definition.body}",
    ]


def _variable(variable: Variable) -> list[str]:
    domain = ", ".join(map(str, variable.symbol.domain))
    return [
        f"variable {variable.symbol.name}[{domain}]: {variable.symbol.range}",
        _indent(variable.doc),
        f"  at boot: {variable.initial}",
    ]


def _row(name: str, title: str, carried_by: list[Property], wrong: list[Variant]) -> list[str]:
    """The properties of a row, and the designs that are wrong in its eyes."""
    lines = [f"row {name}: {title}" if title else f"row {name}", "", "properties"]
    lines += [line for claim in carried_by for line in _listed(f"{claim.kind} {claim.name}", claim)]
    if not carried_by:
        lines.append("  none: memhp coverage shows what else stands for the row")
    lines += ["", "wrong designs: see one refuted with memhp check --variant NAME"]
    lines += [line for variant in wrong for line in _listed(variant.name, variant)]
    return lines


def _listed(name: str, thing: Property | Variant) -> list[str]:
    """A name, and below it the first sentence of what is said of it."""
    first = " ".join(thing.doc.split()).partition(". ")[0].removesuffix(".")
    return [f"  {name}", *wrap(f"{first}.", 96, initial_indent="    ", subsequent_indent="    ")]


def _variant(variant: Variant) -> list[str]:
    return [
        f"variant {variant.name}",
        _indent(variant.doc),
        f"  source: {variant.source}",
        *(f"  edit:   {edit}" for edit in variant.edits),
        f"  breaks: {variant.breaks}",
        f"  rows:   {' '.join(variant.covers)}",
    ]


def _head(name: str, params: tuple[Var, ...], where: Where) -> str:
    """The first line: ``name(b: Block)``, and where an editor finds it."""
    return f"{name}({', '.join(f'{var}: {var.sort}' for var in params)})   {where}"


def _indent(text: str) -> str:
    return indent(text, "  ")


def _action(action: Action, cures_of: Callable[[str], Sequence[Cure]], only: str = "") -> list[str]:
    lines = [_head(f"action {action.name}", action.params, action.where), _indent(action.doc)]
    for guard in action.guards:
        if only in ("", guard.name):
            code = "" if guard.errno is None else f" [{errorcode[guard.errno]}]"
            lines += [f"  guard {guard.name}{code}: {guard.why} unless", f"    {guard.condition}"]
            for cure in cures_of(f"{action.name}.{guard.name}"):
                about = f" ({', '.join(cure.kinds)})" if cure.kinds else ""
                lines += wrap(
                    f"cure{about}: {cure.text}. Source: {cure.source}",
                    96,
                    initial_indent="    ",
                    subsequent_indent="      ",
                    break_on_hyphens=False,
                )
    for update in () if only else action.updates:
        if update.point is not None:
            lines.append(
                f"  {update.symbol}[{', '.join(map(str, update.point))}] := {update.value}"
            )
        else:
            names = ", ".join(map(str, update.variables))
            lines.append(f"  {update.symbol}[{names}] := {update.value} where {update.condition}")
    return lines


def _cost(system: System, name: str) -> list[str]:
    """What a step reads and writes, and what of it hotplug costs."""
    from memhp.checks.numbers.cost import cost, normal_path
    from memhp.spec.numbers.normal_path import NORMAL_PATH

    its = cost(system.action_by_name[name], system)
    lines = [
        f"  reads {', '.join(its.symbols) or 'nothing'} ({its.amount})",
        f"  writes {', '.join(its.writes)}",
    ]
    if its.unbounded:
        lines.append(f"  looks at all elements: {', '.join(its.unbounded)}")
    if name in NORMAL_PATH:
        (result,) = (each for each in normal_path(system) if each.name == name)
        lines.append(f"  normal path: {result.detail}")
    return lines


def _property(claim: Property) -> list[str]:
    rows = f"  rows: {' '.join(claim.covers)}" if claim.covers else ""
    return [
        _head(f"{claim.kind} {claim.name}", claim.params, claim.where),
        _indent(claim.doc),
        f"  {claim.formula}",
        *([rows] if rows else []),
    ]
