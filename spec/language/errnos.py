"""Errnos by name: those of Python's `errno`, and what it has from 3.14 on only."""

from __future__ import annotations

from errno import errorcode as _errorcode
from types import MappingProxyType

__all__ = ["EHWPOISON", "errorcode"]

EHWPOISON = 133
"""Memory page has a hardware error (include/uapi/asm-generic/errno.h)."""

errorcode = MappingProxyType({EHWPOISON: "EHWPOISON", **_errorcode})
"""The name of each errno."""
