"""The entry point: one command, and what happens when something goes wrong, in one place."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

# numpy's OpenBLAS starts a thread for each core, which nothing here needs; where it cannot, it
# interrupts the process or ends it with exit code 1, which would mean *refuted*.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_LIBRARIES = ("cvc5", "hypothesis", "jinja2", "matplotlib", "networkx", "numpy", "z3")
"""What an installation may do without, as long as nothing is asked of it."""
_NO_MEMORY = "there is not enough memory: nothing is decided"
_MALFORMED, _UNDETERMINED, _INTERNAL, _INTERRUPTED = 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Args:
        argv: the words after `memhp`; None: those of this process.

    Raises:
        SystemExit: where argparse ends the process: help, or words that it refuses.
    """
    # Little of what is made is garbage: to look for it as often as usual takes a tenth more.
    gc.set_threshold(1_000_000, 50, 50)
    try:  # whatever takes time to import is imported in here: an interrupt may come early
        from .output.streams import (
            ended_as_interrupted,
            exit_code,
            interrupts_wait,
            standard_streams,
        )

        with standard_streams() as out, interrupts_wait(), ended_as_interrupted() as ends:
            try:
                code = _run(sys.argv[1:] if argv is None else argv)
            except SystemExit as stop:
                raise SystemExit(
                    exit_code(out, stop.code if isinstance(stop.code, int) else 0)
                ) from None
            return exit_code(out, 128 + ends[0] if ends else code)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(argv: Sequence[str]) -> int:
    from .output.streams import show_progress

    try:
        from .commands import run

        return run(argv)
    except KeyboardInterrupt:
        sys.unraisablehook = _say_nothing  # what is half made, such as a solver, ends badly
        show_progress()
        print("memhp: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except MemoryError:
        pass  # what was made is let go with the error: to say so takes memory, too
    except Exception as error:
        if lack := _lack(error):
            print(f"memhp: {lack}", file=sys.stderr)
            return _UNDETERMINED
        if mistake := _mistake(error):
            print(f"memhp: a mistake in the specification: {mistake}", file=sys.stderr)
            return _MALFORMED
        if isinstance(error, ModuleNotFoundError) and error.name in _LIBRARIES:
            print(f"memhp: this needs {error.name}: pip install memhp brings it", file=sys.stderr)
            return _MALFORMED
        import traceback

        traceback.print_exc()
        print(
            "memhp: this is a fault of memhp itself, please report it (unless you changed it)",
            file=sys.stderr,
        )
        return _INTERNAL
    print(f"memhp: {_NO_MEMORY}", file=sys.stderr)
    return _UNDETERMINED


def _say_nothing(_: sys.UnraisableHookArgs) -> None:
    """For errors where Python ends the life of objects; `interrupts_wait` undoes it."""


def _mistake(error: Exception) -> str:
    """What is wrong with the specification and in which line, if that is all."""
    from memhp.spec.language import SpecificationError

    return str(error) if isinstance(error, SpecificationError) else ""


def _lack(error: Exception) -> str:
    """What this machine is short of, if that is all that is wrong."""
    import errno
    from concurrent.futures.process import BrokenProcessPool

    from memhp.checks.proof.solvers import Undecided

    if isinstance(error, Undecided):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return _NO_MEMORY
    if isinstance(error, ImportError) and "failed to map segment" in str(error):
        return "there is not enough memory to load a library: nothing is decided"
    if isinstance(error, BrokenProcessPool):
        return "a worker was killed, perhaps for want of memory; try --jobs 1"
    if isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.EMFILE, errno.ENFILE):
        return f"no process can be started ({error.strerror}); try --jobs 1"
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return "no thread can be started; try --jobs 1"
    return ""


if __name__ == "__main__":
    sys.exit(main())
