"""What a record keeps of page structures is read back as it was, or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading.block_evidence import (
    EVIDENCE,
    BlockEvidence,
    evidence_text,
    evidence_text_in,
)
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import read_machine

from ..conftest import small_machine

ONE = BlockEvidence(Counter({FrameKind.free: 32000, FrameKind.held: 768}), 3, early=True)


@pytest.mark.parametrize("early", [True, False, None])
def test_what_is_written_is_read_back(early: bool | None) -> None:
    evidence = {1: ONE, 7: BlockEvidence(Counter({FrameKind.listed: 1}), early=early)}
    assert evidence_text_in(evidence_text(evidence)) == evidence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("memhp-evidence/2\n", "first line, found 'memhp-evidence/2'"),
        ("memhp-evidence/1\n1 boot 0\n", "found '1 boot 0'"),
        ("memhp-evidence/1\n1 bood 0 free:1\n", "found '1 bood 0 free:1'"),
        ("memhp-evidence/1\n1 boot 0 free:1\n1 boot 0 free:1\n", "a block number above 1"),
        ("memhp-evidence/1\n1 boot 0 fee:1\n", "block 1: expected each kind of frame once"),
        ("memhp-evidence/1\n1 boot 0 free:1 free:2\n", "block 1: expected each kind of frame once"),
    ],
)
def test_what_is_not_so_written_is_refused(text: str, told: str) -> None:
    with pytest.raises(MachineError, match=told):
        evidence_text_in(text)


def test_a_record_with_evidence_is_read_with_it(directory: Callable[..., Path]) -> None:
    files, links = small_machine()
    reading = read_machine(directory(files | {EVIDENCE: evidence_text({1: ONE})}, links))
    assert reading.evidence == {1: ONE}
    assert reading.frames == {1: ONE.kinds}


def test_evidence_of_a_block_that_is_not_there_is_refused(directory: Callable[..., Path]) -> None:
    files, links = small_machine()
    machine = directory(files | {EVIDENCE: evidence_text({9: ONE})}, links)
    with pytest.raises(MachineError, match="tells of block 9"):
        read_machine(machine)
