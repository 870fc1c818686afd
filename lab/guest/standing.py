"""Runs in a guest: memhp, imported once, and forked for each command.

A guest without KVM takes most of a minute to import memhp and to compile a specification.  Who
forks has both already.  It reads a line of JSON for each command, runs the first one itself, so
that what it compiled is there for all others, and tells the exit code of each.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

__all__ = ["ASK", "CODE", "ERR", "OUT", "PID", "serve"]

ASK, CODE = "/tmp/memhp-ask", "/tmp/memhp-code"
"""Pipes with names: a line of JSON, the command's words, goes in; its exit code comes out."""
OUT, ERR, PID = "/tmp/memhp-out", "/tmp/memhp-err", "/tmp/memhp-pid"
"""Files: what the last command wrote, and its process id, there before it begins."""


def serve() -> None:
    """Run commands for as long as the guest does."""
    for pipe in (ASK, CODE):
        os.mkfifo(pipe)
    first = True
    while True:
        words = json.loads(Path(ASK).read_text())
        if first:
            code, first = _run_here(words), False
        else:
            code = _run_in_a_child(words)
        Path(CODE).write_text(f"{code}\n")


def _run_here(words: list[str]) -> int:
    """The exit code of a command, run in this process; what it writes is lost."""
    sys.argv = ["memhp", *words]
    try:
        runpy.run_module("memhp", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def _run_in_a_child(words: list[str]) -> int:
    """The exit code of a command; if it is killed, the signal's number, below 0."""
    child = os.fork()
    if not child:
        Path(PID).write_text(str(os.getpid()))
        for path, descriptor in ((OUT, 1), (ERR, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
        code = 1
        try:
            code = _run_here(words)
            sys.stdout.flush()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    serve()
