"""Tars, header by header, so that nothing keeps them from being wrong.

Source: tar(5), POSIX pax(1), GNU tar's manual on its formats of sparse files.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from . import mutate

__all__ = ["tar"]

_TYPES = b"012345677gxLKSDVX\0\xff"


def _octal(value: int, width: int) -> bytes:
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    return b"\x80" + (value % 256 ** (width - 1)).to_bytes(width - 1, "big")  # base 256


def _header(name: bytes, kind: bytes, size: int, link: bytes, random: Random, odd: float) -> bytes:
    """A header; with so much of a chance, one of its fields is another."""
    fields = {
        "name": name[:100].ljust(100, b"\0"),
        "mode": _octal(0o644, 8),
        "uid": _octal(0, 8),
        "gid": _octal(0, 8),
        "size": _octal(size, 12),
        "mtime": _octal(0, 12),
        "sum": b" " * 8,
        "kind": kind,
        "link": link[:100].ljust(100, b"\0"),
        "magic": b"ustar\x0000",
        "rest": bytes(247),
    }
    wrong = random.random() < odd
    if wrong:
        field = random.choice(list(fields))
        width = len(fields[field])
        if field == "kind":
            fields[field] = bytes([random.choice(_TYPES)])
        elif field == "size" and random.random() < 0.8:
            some = (0, 1, 511, 10**6, 1 << 33, 1 << 62, 1 << 80, -1, -512)
            fields[field] = _octal(random.choice(some), 12)
        else:
            fields[field] = random.choice((random.randbytes(width), b"9" * width, b"\xff" * width))
    header = b"".join(fields.values())
    if not (wrong and random.random() < 0.2):
        total = sum(header)
        header = header[:148] + b"%06o\0 " % total + header[156:]
    return header


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def _record(key: bytes, value: bytes) -> bytes:
    """A record of a pax header, whose length counts itself."""
    length = len(key) + len(value) + 3
    while length != len(key) + len(value) + 3 + len(str(length)):
        length = len(key) + len(value) + 3 + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _pax(random: Random) -> bytes:
    """Records that an attacker writes."""
    keys = (b"path", b"size", b"linkpath", b"mtime", b"hdrcharset", b"GNU.sparse.map", b"x")
    keys += (b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.size", b"GNU.sparse.numblocks")
    keys += (b"GNU.sparse.realsize", b"GNU.sparse.name", b"GNU.sparse.offset")
    made = b""
    for _ in range(random.choice((1, 2, 4, 4, 500))):
        value = random.choice((mutate.number, mutate.word))(random).encode(errors="surrogatepass")
        made += _record(random.choice(keys), value)
    if random.random() < 0.15:
        digits = b"1" * random.choice((20, 5_000, 64_000))
        made = random.choice(
            (digits + b" hdrcharset=x\n", b"0 x=y\n", b"-5 x=y\n", b"99 x\n", made[:-3])
        )
    return made


def _sparse(random: Random) -> bytes:
    """A file of GNU's sparse format 1.0, whose map says anything."""
    records = _record(b"GNU.sparse.major", b"1") + _record(b"GNU.sparse.minor", b"0")
    records += _record(b"GNU.sparse.name", b"sys/devices/system/memory/memory1/state")
    records += _record(b"GNU.sparse.realsize", mutate.number(random).encode())
    entries = random.choice((0, 1, 1_000, 10**6))
    body = b"%d\n" % entries + b"".join(
        b"%d\n%d\n" % (random.choice((0, 512, 1 << 40)), random.choice((0, 1, 1 << 40)))
        for _ in range(random.choice((0, 1, min(entries, 2_000))))
    )
    head = _header(b"x", b"x", len(records), b"", random, 0)
    body = _padded(body)
    return head + _padded(records) + _header(b"s", b"0", len(body), b"", random, 0.1) + body


def _member(name: str, content: bytes, link: str | None, random: Random, odd: float) -> bytes:
    kind = b"0" if link is None else b"2"
    path = name.encode(errors="surrogatepass")
    made = b""
    if len(path) > 99:
        made = _header(b"././@LongLink", b"L", len(path) + 1, b"", random, odd)
        made += _padded(path + b"\0")
    target = (link or "").encode(errors="surrogatepass")
    if len(target) > 99:
        made += _header(b"././@LongLink", b"K", len(target) + 1, b"", random, odd)
        made += _padded(target + b"\0")
    return made + _header(path, kind, len(content), target, random, odd) + _padded(content)


def tar(files: Mapping[str, bytes], links: Mapping[str, str], random: Random) -> bytes:
    """A tar of these files and links, in which a few headers are wrong."""
    parts = [_member(name, data, None, random, 0.02) for name, data in files.items()]
    parts += [_member(name, b"", target, random, 0.02) for name, target in links.items()]
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        at = random.randrange(len(parts) + 1)
        how = random.randrange(6)
        if how == 0:
            records = _pax(random)
            kind = random.choice((b"x", b"x", b"g", b"X"))
            parts.insert(at, _header(b"p", kind, len(records), b"", random, 0.1) + _padded(records))
        elif how == 1:
            parts.insert(at, _sparse(random))
        elif how == 2 and parts:
            one = random.choice(parts)
            parts[at:at] = [one] * min(random.choice((1, 10, 5_000)), (4 << 20) // len(one) + 1)
        elif how == 3:
            random.shuffle(parts)
        elif how == 4:
            parts.insert(at, bytes(random.choice((512, 1024, 10240))))
        else:
            del parts[at:]
    return b"".join(parts) + bytes(1024)
