"""`memhp variants`: the designs that are wrong on purpose."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .files import fail
from .names import choose
from .output.streams import UsageError
from .output.terminal import tell

if TYPE_CHECKING:
    from memhp.spec.language import Variant

_EPILOG = """examples:
  memhp variants                 all of them
  memhp variants --row N2        those that are wrong in the eyes of a row
  memhp check --variant NAME     see one refuted
  memhp explain NAME             what it changes, and where the mistake is from
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "variants",
        help="list the wrong designs, and the property that each breaks",
        description="Lists the variants of the specification: wrong designs, each with its rows,"
        " a sentence, and the property that it breaks.",
        epilog=_EPILOG,
    )
    parser.add_argument("--row", metavar="ROW", help="only those of a row, such as N2")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the variants; the exit code is 2 if there is no such row."""
    try:
        variants = _chosen(args.row)
    except UsageError as error:
        return fail("variants", error)
    if args.json:
        print(json.dumps({"schema": "memhp-variants/1", "variants": _as_json(variants)}, indent=1))
        return 0
    from .index.entry import first_sentence

    for variant in variants:
        tell(f"{variant.name}  {' '.join(variant.covers)}")
        tell(f"  {first_sentence(variant.doc)}", f"  breaks {variant.breaks}")
    tell("", "see one refuted: memhp check --variant NAME")
    return 0


def _chosen(row: str | None) -> list[Variant]:
    from memhp.spec.rows import ROWS
    from memhp.spec.variants import VARIANTS

    if row is None:
        return [*VARIANTS]
    name = choose("row", row, [each.id for each in ROWS])
    return [variant for variant in VARIANTS if name in variant.covers]


def _as_json(variants: list[Variant]) -> list[dict[str, Any]]:
    """The variants of the document of schema ``memhp-variants/1`` (cli/schema/variants.json)."""
    return [
        {
            "name": variant.name,
            "covers": variant.covers,
            "breaks": variant.breaks,
            "doc": variant.doc,
            "source": variant.source,
            "edits": [str(edit) for edit in variant.edits],
        }
        for variant in variants
    ]
