"""The probe for KVM: that `/dev/kvm` opens is not enough, and a guest may hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memhp.lab.guest.initramfs import build
from memhp.lab.guest.probe import usable_accelerator
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import LabError

HERE = os.uname().machine


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A kernel, and a QEMU that hangs, with a `/dev/kvm` that opens."""
    for program in ("qemu-system-x86_64", "qemu-system-aarch64"):
        (tmp_path / program).write_text("#!/bin/sh\nexec sleep infinity\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    kernel = Kernel("hanging", HERE, tmp_path)
    try:
        build(kernel)
    except LabError as error:
        pytest.skip(str(error))
    return kernel


def test_a_guest_that_hangs_with_kvm_is_emulated_after_the_limit(hanging: Kernel) -> None:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = children.read_text()
    assert usable_accelerator(hanging, limit=0.5) == "tcg"
    assert children.read_text() == before


def test_another_architecture_is_emulated_without_a_try(tmp_path: Path) -> None:
    assert usable_accelerator(Kernel("other", "s390x", tmp_path)) == "tcg"
