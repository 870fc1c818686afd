"""How a divergence or a disagreement looks that was done again."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import Any

from .terminal import console, say

__all__ = ["tell_again"]


def tell_again(
    args: Namespace,
    of: str,
    operations: Sequence[Sequence[Any]],
    report: Iterable[str],
    *,
    agrees: bool,
) -> None:
    """Print what came of it: lines for a person, or the document of schema ``memhp-replay/1``.

    Args:
        args: those of `memhp replay`.
        of: *divergence* or *disagreement*.
        operations: those that were done, each with its parameters.
        report: what came, line by line.
        agrees: the target did what the reference does.
    """
    lines = [line for text in report for line in text.splitlines()]
    if args.json:
        document = {
            "schema": "memhp-replay/1",
            "file": str(args.trace),
            "of": of,
            "target": args.target,
            "verdict": "holds" if agrees else "refuted",
            "operations": [list(operation) for operation in operations],
            "report": lines,
        }
        print(json.dumps(document, indent=1))
        return
    out = console()
    say(out, f"{args.trace}: {len(operations)} operations on {args.target}")
    for line in lines:
        say(out, line)
