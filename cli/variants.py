"""`memhp variants`: the designs that are wrong on purpose."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .output.terminal import console


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "variants",
        help="list the wrong designs, and the property that each breaks",
        description="Lists the variants of the specification: wrong designs, each with the"
        " property that it breaks. See one refuted with: memhp check --variant NAME",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print all variants; the exit code is 0."""
    from memhp.spec.variants import VARIANTS

    if args.json:
        variants = [
            {
                "name": variant.name,
                "covers": variant.covers,
                "breaks": variant.breaks,
                "doc": variant.doc,
                "source": variant.source,
                "edits": [str(edit) for edit in variant.edits],
            }
            for variant in VARIANTS
        ]
        print(json.dumps({"schema": "memhp-variants/1", "variants": variants}, indent=1))
        return 0
    from rich.table import Table

    table = Table("variant", "rows", "breaks", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    table.columns[2].overflow = "fold"
    for variant in VARIANTS:
        table.add_row(variant.name, " ".join(variant.covers), variant.breaks)
    out = console()
    out.print(table)
    out.print("\nSee one refuted: memhp check --variant NAME")
    return 0
