"""Inputs made wrong by one who knows their forms: JSON documents, lines of text, bytes."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

__all__ = ["bytes_of", "json_text", "number", "packed", "repeated", "text", "word"]


class _Raw(str):
    """What stands in a JSON text as it is, though `json` would not write it."""


_MOST_RAW = 1 << 26
"""Characters of all such values in one document: a long one may have been repeated in a list."""


def word(random: Random) -> str:
    """A word where another belongs: empty, long, of control characters, or a trap."""
    some = ["", "x", " ", "[/x]", "[bold]", "%s", "../../../etc/passwd", "/dev/zero", "a\nb", "\r"]
    some += ["\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "\x00", "\x7f", "\u202e", "é" * 300]
    some += ["x" * random.choice((300, 5_000, 100_000)), "-1", "--help", "٣", "NaN", "\ud800"]
    return random.choice(some)


def number(random: Random) -> str:
    """A number where another belongs: too large, too long, or none."""
    some = [
        "0",
        "-1",
        "1" * 30,
        "1" * 5_000,
        "f" * 16,
        "f" * 17,
        "0" * 5_000,
        "18446744073709551616",
    ]
    some += ["0-65535", "0-4294967295", "0-1" + ",0-1" * 2_000, "1e9", "1e999", "nan", "0x", "1_0"]
    some += ["4294967296", "2147483648", "9" * 400, "٣", "+1", "", "1.5", "3-1", "65536", "1000000"]
    return random.choice(some)


def _value(random: Random) -> Any:
    """A JSON value where another belongs."""
    deep = random.choice((50, 900, 2_000, 100_000))
    some: list[Any] = [None, True, False, 0, -1, 1.5, 10**8, 10**9, 1 << 31, 1 << 63, 10**400]
    some += [[], {}, [[]], [{}], [None], {"": None}, [0] * 20_000, {"#map": []}, {"#tup": []}]
    some += [_Raw(raw) for raw in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999")]
    some += [
        _Raw("1" * 5_000),
        _Raw("[" * deep + "]" * deep),
        _Raw('{"a":' * deep + "1" + "}" * deep),
    ]
    some += [{"#bigint": number(random)}, number(random), word(random), word(random)]
    return random.choice(some)


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each object or list inside, with each of its keys."""
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list):
            for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                yield holder, key
                waiting.append(holder[key])


def _change(document: Any, random: Random) -> Any:
    places = list(_places(document))
    if not places or random.random() < 0.02:
        return _value(random)
    holder, key = random.choice(places)
    how = random.randrange(7)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * random.choice((1, 2, 1_000))
    elif how == 1:
        holder[word(random)] = holder[key]
    elif how == 2 and isinstance(holder, list):
        random.shuffle(holder)
    elif how == 3:
        other, there = random.choice(places)
        if there in other if isinstance(other, dict) else there < len(other):
            holder[key] = json.loads(json.dumps(other[there]))
    else:
        holder[key] = _value(random)
    return document


def json_text(whole: str, random: Random) -> bytes:
    """The document with one to three members changed; now and then its text, too."""
    document = json.loads(whole)
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        document = _change(document, random)
    raw: list[str] = []
    room = _MOST_RAW

    def plain(value: Any) -> Any:
        nonlocal room
        if isinstance(value, _Raw):
            room -= len(value)
            raw.append(value if room >= 0 else "null")
            return f"@raw{len(raw) - 1}@"
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        return [plain(each) for each in value] if isinstance(value, list) else value

    made = re.sub('"@raw([0-9]+)@"', lambda at: raw[int(at[1])], json.dumps(plain(document)))
    data = made.encode(errors="surrogatepass")
    return bytes_of(data, random) if random.random() < 0.15 else data


_NUMBER = re.compile(r"[0-9a-fA-F]*[0-9][0-9a-fA-F]*")


def repeated(line: str, random: Random) -> list[str]:
    """The line many times; each with a number of its own, if it has any."""
    count = random.choice((2, 100, 5_000))
    if random.random() < 0.5:
        return [line] * count
    return [_NUMBER.sub(str(index), line, count=1) for index in range(count)]


def text(whole: str, random: Random) -> bytes:
    """The text with one to three lines changed; now and then its bytes, too."""
    lines = whole.split("\n")
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(lines))
        how = random.randrange(9)
        if how == 0:
            del lines[at : at + random.choice((1, 1, 5))]
        elif how == 1:
            lines[at:at] = repeated(lines[at], random)
        elif how == 2:
            random.shuffle(lines)
        elif how == 3:
            lines[at] += word(random)
        elif how == 4:
            lines[at] = word(random)
        elif how == 5:
            cut = random.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:cut]
        elif found := list(_NUMBER.finditer(lines[at])):
            span = random.choice(found).span()
            lines[at] = lines[at][: span[0]] + number(random) + lines[at][span[1] :]
        lines = lines or [""]
    data = "\n".join(lines).encode(errors="surrogatepass")
    return bytes_of(data, random) if random.random() < 0.15 else data


def bytes_of(data: bytes, random: Random) -> bytes:
    """The bytes cut off, with bits turned, or with others among them."""
    at = random.randrange(len(data) + 1)
    how = random.randrange(8)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes(random.choice((1, 512, 100_000))) + data[at:]
    if how == 2:
        return data[:at] + random.randbytes(random.choice((1, 16, 1_000))) + data[at:]
    if how == 3:
        return (
            data[:at]
            + random.choice((b"\x1b[31m", b"\xff\xfe", b"\xef\xbb\xbf", b"\r"))
            + data[at:]
        )
    if how == 4:
        return data + data[: random.choice((10, len(data)))]
    if how == 5:
        return random.choice((b"", b"\x00", b"\xef\xbb\xbf" + data, b" " * (1 << 20) + data))
    changed = bytearray(data)
    for _ in range(random.choice((1, 3, 20)) if changed else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _xz_with_dictionary(packed_by_xz: bytes, size: int) -> bytes:
    """Another size of its dictionary (xz-file-format.txt, 3.1 and 5.3.1); 40: 4 GiB."""
    head = packed_by_xz[12:16] + bytes([size]) + packed_by_xz[17:20]
    return packed_by_xz[:12] + head + zlib.crc32(head).to_bytes(4, "little") + packed_by_xz[24:]


def packed(data: bytes, random: Random, *, bomb: int = 96 << 20) -> bytes:
    """The data compressed somehow; now and then damaged, or a bomb of so many bytes."""
    if random.random() < 0.03:
        data += bytes(bomb)
    how = random.choice(("plain", "gzip", "gzip", "bzip2", "xz", "twice"))
    if how == "gzip":
        data = gzip.compress(data, 1, mtime=0)
    elif how == "bzip2":
        data = bz2.compress(data, 1)
    elif how == "xz":
        data = lzma.compress(data, preset=0)
        if random.random() < 0.2:
            data = _xz_with_dictionary(data, random.choice((0, 30, 39, 40, 41)))
    elif how == "twice":
        data = gzip.compress(data, 1, mtime=0) * 2
    return bytes_of(data, random) if random.random() < 0.1 else data
