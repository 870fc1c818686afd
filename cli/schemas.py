"""`memhp schema`: the JSON schema of each document."""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from typing import Any

from .files import fail
from .names import choose
from .output.streams import UsageError
from .output.terminal import console

__all__ = ["add_parser", "schemas"]

_EPILOG = """examples:
  memhp schema                   the documents, and which command writes each
  memhp schema inspect           the schema of one: JSON Schema, draft 2020-12
  memhp schema memhp-inspect/2   by what stands in the document as "schema"

columns: name; version, as it stands in the document; document, which command writes it
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "schema",
        help="the JSON schema of each document that memhp writes",
        description="Prints the JSON schema of a document; without a name, lists them.",
        epilog=_EPILOG,
    )
    parser.add_argument("name", nargs="?")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the schema; the exit code is 2 if there is none of that name."""
    texts = schemas()
    if args.name is None:
        _list(texts)
        return 0
    versions = {name: _version(json.loads(text)) for name, text in texts.items()}
    try:
        name = choose("schema", args.name, [*texts, *filter(None, versions.values())])
    except UsageError as error:
        return fail("schema", error)
    print(next(text for each, text in texts.items() if name in (each, versions[each])), end="")
    return 0


def schemas() -> dict[str, str]:
    """The text of each schema, by its name."""
    folder = files("memhp.cli").joinpath("schema")
    found = {each.name.removesuffix(".json"): each.read_text() for each in folder.iterdir()}
    return dict(sorted(found.items()))


def _version(schema: dict[str, Any]) -> str:
    """What stands in the document as "schema"; "" if it says nothing."""
    version: str = schema["properties"].get("schema", {}).get("const", "")
    return version


def _list(texts: dict[str, str]) -> None:
    from rich.table import Table

    table = Table("name", "version", "document", box=None, pad_edge=False)
    for name, text in texts.items():
        schema = json.loads(text)
        table.add_row(name, _version(schema), schema["title"])
    console().print(table)
