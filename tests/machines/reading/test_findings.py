"""The two files of a record that memhp writes: read as written, and nothing else is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.findings import (
    OUTCOMES,
    PAGE_WORDS,
    PageWords,
    outcomes_in,
    outcomes_text,
    page_words_in,
    page_words_text,
)
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import read_machine

from ..conftest import Files, Links

BLOCK = 0x8000000
FRAMES = BLOCK // 4096
WORDS = PageWords(4096, BLOCK, {1: Counter({0x400: FRAMES - 1, 0: 1})})
HEAD = "memhp-page-words/1\npage_size 4096\nblock_size 8192\n"


def test_page_words_are_read_as_they_were_written() -> None:
    assert page_words_in(page_words_text(WORDS)) == WORDS


def test_outcomes_are_read_as_they_were_written() -> None:
    outcomes = {1: "done", 32: "EBUSY"}
    assert outcomes_in(outcomes_text(outcomes)) == outcomes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected memhp-page-words/1 in its first line"),
        ("memhp-page-words/2\n", "another version"),
        ("memhp-page-words/1\npage_size 4095\n", "page_size and a power of two"),
        ("memhp-page-words/1\npage_size many\n", "expected a number, found 'many'"),
        ("memhp-page-words/1\nblock_size 4096\n", "a line with page_size"),
        (HEAD.replace("8192", "2048"), "has no pages of 4096"),
        (HEAD + "1\n", "expected a block number above -1"),
        (HEAD + "1 0:2\n1 0:2\n", "expected a block number above 1"),
        (HEAD + "1 0:1\n", "block 1: counts 1 frames, but has 2"),
        (HEAD + "1 0:1 0:1\n", "each word once, found '0:1'"),
        (HEAD + "1 0-2\n", "found '0-2'"),
        (HEAD + "1 xyz:2\n", "expected a hexadecimal number, found 'xyz'"),
        (HEAD + "1 10000000000000000:2\n", "expected WORD:COUNT"),
        (HEAD + "1 0:2 \n", "expected WORD:COUNT"),
    ],
)
def test_page_words_that_are_none_are_refused(text: str, says: str) -> None:
    with pytest.raises(MachineError, match=says):
        page_words_in(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("memhp-page-words/1\n", "expected memhp-outcomes/1"),
        ("memhp-outcomes/1\n1 EBUZZY\n", "block 1: expected done or the name of an errno"),
        ("memhp-outcomes/1\n2 done\n1 done\n", "a block number above 2"),
        ("memhp-outcomes/1\n-1 done\n", "a block number above -1"),
    ],
)
def test_outcomes_that_are_none_are_refused(text: str, says: str) -> None:
    with pytest.raises(MachineError, match=says):
        outcomes_in(text)


def test_a_record_tells_its_page_size_its_frames_and_its_outcomes(
    machine: tuple[Files, Links], tar_file: Callable[..., Path]
) -> None:
    files, links = machine
    files |= {PAGE_WORDS: page_words_text(WORDS), OUTCOMES: "memhp-outcomes/1\n1 done\n"}
    reading = read_machine(tar_file(files, links))
    assert reading.page_size == 4096
    assert reading.frames == {1: Counter({FrameKind.free: FRAMES - 1, FrameKind.blank: 1})}
    assert reading.outcomes == {1: "done"}


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        (PAGE_WORDS, page_words_text(PageWords(4096, 4096, {})), "the machine's have 134217728"),
        (PAGE_WORDS, page_words_text(PageWords(4096, BLOCK, {7: WORDS.blocks[1]})), "block 7"),
        (OUTCOMES, "memhp-outcomes/1\n7 done\n", "tells of block 7"),
    ],
)
def test_what_is_of_another_machine_is_refused(
    path: str, text: str, says: str, machine: tuple[Files, Links], tar_file: Callable[..., Path]
) -> None:
    files, links = machine
    with pytest.raises(MachineError, match=says):
        read_machine(tar_file(files | {path: text}, links))
