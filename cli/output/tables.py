"""Where tables go: rich's console, in which nothing foreign steers the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, Any, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from .streams import Steered, quoted


class Quoting(Console):
    """Text is shown as it is, without markup; what does not print is quoted, wherever it stands."""

    def __init__(self, **more: Any) -> None:
        file = cast("IO[str]", Steered(sys.stdout))
        super().__init__(file=file, highlight=False, markup=False, emoji=False, **more)

    def render_str(self, text: str, **more: Any) -> Text:
        """Quoted here, so that columns become wide enough."""
        return super().render_str(quoted(text), **more)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Quoted here, whatever the text has come through."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=quoted(segment.text))
