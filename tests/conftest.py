"""For all tests and their workers: one cache, and the same draws in every run."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from memhp.lab.kernels.kernel import cache_folder

collect_ignore_glob = ["bench/*"]
"""Benchmarks are scripts, and import each other as such."""

_FOLDER = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which kernels guests boot."""
    parser.addoption(
        "--kernels",
        choices=("one", "all"),
        default="one",
        help="boot one kernel of this machine's architecture, or each that is here (default: one)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin with an empty cache; workers inherit where it is.  What is drawn is so each time.

    Signals are heard that some tests send: what a shell starts in the background is deaf to
    interrupts, and what nohup(1) starts, to SIGHUP.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    settings.register_profile("alike", derandomize=True)
    settings.load_profile("alike")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        # A command starts from bytecode, as where nobody forbids to write it.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["MEMHP_TESTS_LAB_CACHE"] = str(cache_folder())  # where fetched kernels are
        config.stash[_FOLDER] = os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="memhp-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what proves everything, on one worker; last what then finds that in the cache."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("xdist_group"):
        return 0
    return 2 if item.path.is_relative_to(Path(__file__).parent / "spec") else 1


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if _FOLDER in config.stash:
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)
