"""Where this machine gets Debian packages from: its own apt sources (sources.list(5)).

The addresses of other releases are those of this machine with another suite, so a mirror
that the machine uses is used for them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..tools.errors import LabError

__all__ = ["Source", "machine_sources", "parse_deb822", "parse_one_line", "stanzas_for"]


@dataclass(frozen=True)
class Source:
    """One address with the suites and components that are taken from it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None = None


def parse_deb822(text: str) -> Iterator[Source]:
    """The sources in a file `*.sources`; source packages and disabled stanzas are left out.

    >>> [s.suites for s in parse_deb822("Types: deb\\nURIs: http://a/\\nSuites: x y\\n")]
    [('x', 'y')]
    """
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        disabled = fields.get("enabled", "yes").lower() in ("no", "false", "0")
        if disabled or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by") or None,
            )


_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(.*)")


def parse_one_line(text: str) -> Iterator[Source]:
    """The sources in a file `sources.list` or `*.list`.

    >>> next(parse_one_line("deb [signed-by=/k.gpg] http://a/ x main # here\\n"))
    Source(uri='http://a/', suites=('x',), components=('main',), signed_by='/k.gpg')
    """
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        signed = re.search(r"signed-by=(\S+)", match["options"] or "")
        yield Source(
            match["uri"],
            (match["suite"],),
            tuple(match[4].split()),
            signed[1] if signed else None,
        )


def machine_sources(folder: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """All apt sources of this machine (sources.list(5))."""
    sources: list[Source] = []
    lists = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for path in lists:
        if path.is_file() and path.suffix in (".list", ".sources"):
            parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
            sources += parse(path.read_text(errors="replace"))
    return tuple(sources)


def stanzas_for(release: str, arch: str, *, sources: Iterable[Source], codename: str) -> str:
    """The text of a file `*.sources` for another release and architecture, of the same addresses.

    Args:
        release: the release that packages are wanted of, such as ``trixie``.
        arch: Debian's name of the architecture, such as ``amd64``.
        sources: those of this machine.
        codename: the release of this machine, which tells its archive among the sources.

    Raises:
        LabError: no source of this machine is Debian's archive.
    """
    stanzas = []
    for suffix in ("", "-security"):
        if suffix and release == "sid":
            continue  # it has no suite of its own for security
        for source in sources:
            if codename + suffix in source.suites and "main" in source.components:
                stanzas.append(_stanza(source, release + suffix, arch))
                break
    if not stanzas:
        raise LabError(
            f"no apt source of this machine has the suite {codename} with main, so the lab does"
            " not know where Debian's packages are: give a kernel of your own with --kernel PATH"
        )
    return "\n".join(stanzas)


def _stanza(source: Source, suite: str, arch: str) -> str:
    lines = ["Types: deb", f"URIs: {source.uri}", f"Suites: {suite}", "Components: main"]
    lines.append(f"Architectures: {arch}")
    if source.signed_by:
        lines.append("Signed-By: " + source.signed_by.replace("\n", "\n "))
    return "\n".join(lines) + "\n"
