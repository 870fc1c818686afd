"""A page: one HTML file with everything in it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jinja2

from memhp.machines.reading.units import in_units

__all__ = ["page"]


def page(template: str, title: str, *, data: object = None, **values: object) -> str:
    """The text of an HTML file that loads nothing: no network, no other file.

    Args:
        template: the name of a template, without its ending.
        title: of the page.
        data: a document that the page carries for other tools, as JSON.
        values: what the template names; all text is quoted as HTML asks.
    """
    text = _templates().get_template(f"{template}.html").render(title=title, data=data, **values)
    # Names of files that are not UTF-8 come as lone surrogates, which no file can have.
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("memhp.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["embedded"] = _embedded
    environment.filters["plural"] = _plural
    environment.filters["in_units"] = in_units
    return environment


def _embedded(document: Any) -> str:
    """The document as JSON that ends no script and begins no comment; not to be quoted again."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plural(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
