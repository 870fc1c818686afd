"""Guests with real kernels: what they answer, and how they end."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memhp.cli.main import main
from memhp.lab.guest.devices import add_dimm, eject_dimm, resize, wait_for_blocks
from memhp.lab.guest.guest import Guest
from memhp.lab.guest.machine import MIB, GuestMachine, Node, VirtioMem
from memhp.lab.guest.protocol import Answer
from memhp.lab.guest.qmp import MonitorRefused
from memhp.lab.guest.snapshot import block_states, snapshot
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import GuestDied, GuestSilent, LabError
from memhp.machines.reading.sysfs import read_machine
from memhp.machines.reading.tree import open_tree

from .conftest import LONG, soon

pytestmark = pytest.mark.kernel

MEMORY = "/sys/devices/system/memory"
NODE = "/sys/devices/system/node"


def running(pid: int) -> bool:
    """Whether that process is there and no zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> bool:
    """Whether that process ends."""
    return soon(lambda: not running(pid))


def free_kib(guest: Guest, node: int) -> int:
    line = next(x for x in guest.read(f"{NODE}/node{node}/meminfo").splitlines() if "MemFree" in x)
    return int(line.split()[3])


def test_the_errno_is_that_of_the_kernel(guest: Guest) -> None:
    assert guest.write(f"{MEMORY}/memory5/state", "sideways") == errno.EINVAL
    assert guest.write("/not/there", "x") == errno.ENOENT
    assert guest.write("/proc/sys/vm/drop_caches", "1") == 0
    with pytest.raises(FileNotFoundError):
        guest.read("/not/there")


def test_the_shell_tells_its_status_and_both_outputs(guest: Guest) -> None:
    reply = guest.shell("echo out; echo err >&2; exit 3")
    assert (reply.rc, reply.out) == (3, "out\nerr\n")
    assert guest.shell("kill -9 $$").rc == 128 + 9


def test_an_answer_is_whole_or_it_is_an_error(guest: Guest) -> None:
    fill = "head -c {} /dev/zero | tr '\\0' x"
    assert len(guest.shell(fill.format(1 << 20)).out) == 1 << 20
    with pytest.raises(LabError, match="more than 1 MiB to say"):
        guest.shell(fill.format((1 << 20) + 1))
    assert guest.shell(fill.format((1 << 20) + 1) + " > /tmp/large").rc == 0
    with pytest.raises(LabError, match="more than 1 MiB to say: read /tmp/large"):
        guest.read("/tmp/large")
    assert guest.shell("rm /tmp/large").rc == 0


def test_nodes_have_the_numbers_and_distances_of_the_machine(guest: Guest) -> None:
    assert guest.read(f"{NODE}/online").strip() == "0-1"
    assert guest.read(f"{NODE}/possible").strip() == "0-2"
    assert guest.read(f"{NODE}/node0/distance").split() == ["10", "30"]
    assert guest.read(f"{NODE}/has_cpu").strip() == "0"


@pytest.mark.parametrize("kind", ["anon", "locked", "cache", "spliced", "pinned", "kernel"])
def test_memory_is_held_on_the_node_that_is_named(guest: Guest, kind: str) -> None:
    before = free_kib(guest, 1)
    error, holder = guest.hold(kind, 32 * MIB, node=1)  # type: ignore[arg-type]
    assert error == 0
    held = free_kib(guest, 1)
    assert before - held > 16 * 1024
    assert guest.release(holder) == 0
    assert guest.release(holder) == errno.ESRCH
    assert soon(lambda: free_kib(guest, 1) > held + 16 * 1024)  # io_uring gives back late


def test_a_holder_tells_that_its_memory_was_changed_or_that_it_was_killed(guest: Guest) -> None:
    _, holder = guest.hold("cache", 1 * MIB, node=1)
    file = re.search(r"(\d+) -> /memfd", guest.shell(f"ls -l /proc/{holder}/fd").out)
    assert file
    assert guest.write(f"/proc/{holder}/fd/{file[1]}", "spoiled") == 0
    assert guest.release(holder) == errno.EIO
    _, holder = guest.hold("anon", 1 * MIB, node=1)
    assert guest.shell(f"kill -KILL {holder}").rc == 0
    assert guest.release(holder) == errno.ECHILD


def test_more_than_a_node_has_cannot_be_held_and_the_guest_lives(guest: Guest) -> None:
    assert guest.hold("anon", 1024 * MIB, node=1) == (errno.ENOMEM, 0)
    assert guest.agent("ping").code == 0


def test_huge_pages_are_held_if_there_are_any(guest: Guest) -> None:
    assert guest.hold("huge", 4 * MIB, node=1) == (errno.ENOMEM, 0)
    path = f"{NODE}/node1/hugepages/hugepages-2048kB"
    assert guest.write(f"{path}/nr_hugepages", "4") == 0
    error, holder = guest.hold("huge", 4 * MIB, node=1)
    assert error == 0
    assert guest.read(f"{path}/free_hugepages").strip() == "2"
    assert guest.release(holder) == 0
    assert guest.write(f"{path}/nr_hugepages", "0") == 0


def state_of_dimm(guest: Guest, name: str, node: int = 2) -> str:
    """Add a DIMM to the empty node; the file with the state of its block, once it is there."""
    add_dimm(guest, name, node=node, size=128 * MIB)
    wait = f"until ls -d {NODE}/node{node}/memory[0-9]* 2>/dev/null; do sleep 0.05; done"
    return f"{MEMORY}/{guest.shell(wait).out.strip().rpartition('/')[2]}/state"


def test_a_dimm_comes_to_an_empty_node_and_goes(guest: Guest) -> None:
    state = state_of_dimm(guest, "d0")
    assert guest.read(state) == "offline\n"
    assert guest.write(state, "online_movable") == 0
    assert guest.write(state, "offline") == 0
    assert eject_dimm(guest, "d0").gone
    assert guest.shell(f"ls {NODE}/node2").rc != 0
    with pytest.raises(MonitorRefused, match="d0"):
        eject_dimm(guest, "d0")


def test_a_dimm_with_memory_of_the_kernel_stays(kernel: Kernel) -> None:
    offline = ("memhp_default_state=offline",)
    machine = GuestMachine(nodes=(Node(512 * MIB, 1), Node()), slots=1, options=offline)
    with Guest.boot(kernel, machine) as guest:
        state = state_of_dimm(guest, "d0", node=1)
        assert guest.write(state, "online_kernel") == 0
        assert guest.hold("kernel", 32 * MIB, node=1)[0] == 0
        refused = eject_dimm(guest, "d0")
        assert (refused.gone, refused.status) == (False, 0x82)
        assert guest.read(state) == "online\n"


def test_a_snapshot_is_a_machine_that_inspect_reads(
    guest: Guest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "guest.tar"
    path.write_bytes(snapshot(guest))
    reading = read_machine(path)
    assert reading.block_size == 128 * MIB
    assert [block.nodes for block in reading.blocks] == [(0,)] * 4 + [(1,)] * 2
    assert reading.iomem
    assert reading.cpuinfo
    assert "Kernel" not in (open_tree(path).read_text("proc/iomem") or "Kernel")
    assert main(["inspect", str(path)]) == 0
    assert "6 blocks of 128 MiB" in capsys.readouterr().out


def test_an_answer_that_comes_late_is_dropped(guest: Guest) -> None:
    guest.qmp("stop")
    with pytest.raises(GuestSilent, match=r"no answer within 0\.1 s: shell echo late"):
        guest.shell("echo late", limit=0.1)
    guest.qmp("cont")
    assert guest.shell("echo next").out == "next\n"


def test_a_panic_is_told_with_the_end_of_the_console(kernel: Kernel) -> None:
    with Guest.boot(kernel) as guest:
        with pytest.raises(GuestDied, match="its kernel panicked") as caught:
            guest.write("/proc/sysrq-trigger", "c")
        assert any("Kernel panic" in line for line in caught.value.console)
        assert gone(guest.pid)


def test_a_guest_that_stands_still_is_told_with_the_end_of_the_console(kernel: Kernel) -> None:
    with Guest.boot(kernel) as guest:
        guest.qmp("stop")
        with pytest.raises(GuestSilent, match=r"no answer within 0\.5 s: ping") as caught:
            guest.agent("ping", limit=0.5)
        assert caught.value.console
        guest.qmp("cont")
        assert guest.agent("ping").code == 0


class Unanswered(Guest):
    """A guest whose limit is over once its kernel has started something else than the agent."""

    def _answer(self, number: int, deadline: float) -> Answer:
        assert soon(lambda: any("as init process" in line for line in self.console()))
        return super()._answer(number, time.monotonic())


def test_a_boot_that_takes_too_long_is_ended_with_the_console(kernel: Kernel) -> None:
    before = children()
    with pytest.raises(GuestSilent, match="no answer within 300 s: booting") as caught:
        Unanswered.boot(kernel, GuestMachine(options=("rdinit=/bin/cat",)), limit=300.0)
    assert caught.value.console
    assert children() == before


def children() -> set[str]:
    """The processes that this one started and that are still there."""
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def guests_of(process: int) -> list[int]:
    """Of the processes that a process has started those that are QEMU by now."""
    started = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(pid) for pid in started if "qemu" in name_of(pid)]


def name_of(pid: str) -> str:
    """The name of a process; empty if it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_an_error_inside_ends_the_guest(kernel: Kernel) -> None:
    booted = Guest.boot(kernel)
    pid = booted.pid
    assert running(pid)
    with pytest.raises(ZeroDivisionError), booted:
        raise ZeroDivisionError
    assert not running(pid)
    booted.close()


SCRIPT = """
import signal, sys
from memhp.lab.guest.guest import Guest
from memhp.lab.kernels.kernel import load
with Guest.boot(load(sys.argv[1])) as guest:
    print(guest.pid, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_qemu_outlives_the_process_that_booted_it(
    kernel: Kernel, ending: signal.Signals
) -> None:
    command = [sys.executable, "-c", SCRIPT, kernel.name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        qemu = int(parent.stdout.readline())
        assert running(qemu)
        parent.send_signal(ending)
        parent.wait(LONG)
    assert gone(qemu)


STARTED = """
import os, signal, subprocess, sys
from memhp.lab.guest.guest import Guest
from memhp.lab.kernels.kernel import load

class Killed(subprocess.Popen):
    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

subprocess.Popen = Killed
Guest.boot(load(sys.argv[1]))
"""


def test_no_qemu_outlives_a_process_that_is_killed_as_it_starts_it(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = tmp_path / "setpriv"  # asks to be ended with its parent when that is gone already
    orphaned = 'while [ -e "/proc/$7" ]; do sleep 0.05; done'  # it is given its parent's number
    late.write_text(f'#!/bin/sh\n{orphaned}\nexec {shutil.which("setpriv")} "$@"\n')
    late.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = [sys.executable, "-c", STARTED, kernel.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def test_ctrl_c_while_the_command_boots_a_guest_ends_both(kernel: Kernel) -> None:
    words = [sys.executable, "-m", "memhp.cli.main", "lab", "boot", kernel.name]
    words += ["--option", "rdinit=/bin/cat"]  # it never answers
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as command:
        assert soon(lambda: bool(guests_of(command.pid)))
        (qemu,) = guests_of(command.pid)
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=LONG)
    assert command.returncode == 130
    assert said == "memhp: interrupted\n"
    assert gone(qemu)


def test_a_module_that_cannot_be_loaded_is_told(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "memhp.lab.guest.initramfs.load_order_in", lambda folder, wanted: [("bad", b"no module")]
    )
    with pytest.raises(GuestDied, match="a module cannot be loaded: Exec format error") as caught:
        Guest.boot(kernel)
    assert any("bad.ko" in line for line in caught.value.console)


def test_a_virtio_mem_device_is_resized(kernel: Kernel) -> None:
    machine = GuestMachine(
        nodes=(Node(512 * MIB, 1),),
        virtio_mem=(VirtioMem(0, 512 * MIB, 128 * MIB),),
        options=("memhp_default_state=online_movable",),
    )
    with Guest.boot(kernel, machine) as guest:
        assert len(wait_for_blocks(guest, 5)) == 5
        resize(guest, 0, 256 * MIB)
        assert len(wait_for_blocks(guest, 6)) == 6
        resize(guest, 0, 0)
        assert soon(lambda: len(block_states(guest)) == 4)


def test_a_dimm_that_is_refused_leaves_its_name_free(guest: Guest) -> None:
    for _ in range(2):
        with pytest.raises(MonitorRefused, match="exceeds the number of numa nodes"):
            add_dimm(guest, "refused", node=9, size=128 * MIB)


def test_the_command_plugs_dimms_and_runs_commands(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--node", "512MiB,1", "--node", "0", "--dimm", "1,256MiB"]
    words += ["--run", "echo said", "--run", "false"]
    assert main(["lab", "boot", kernel.name, *words]) == 1
    out = capsys.readouterr().out
    assert "node1: 2 blocks, CPUs none" in out
    assert out.endswith("$ echo said\nsaid\n$ false\n")


def test_qemu_s_own_complaint_is_told(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "memhp.lab.guest.command_line.machine_arguments", lambda machine, numa: ["-m", "x"]
    )
    with pytest.raises(GuestDied, match="QEMU refused") as caught:
        Guest.boot(kernel)
    assert "qemu-system" in str(caught.value)
    assert isinstance(caught.value, LabError)


def test_the_command_boots_and_says_what_there_is(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "boot", kernel.name, "--node", "512MiB,1", "--node", "256MiB"]) == 0
    out = capsys.readouterr().out
    assert f"kernel: {kernel.version}\n" in out
    assert "blocks: 6 of 128 MiB\n" in out
    assert "node1: 2 blocks, CPUs none, distances 20 10\n" in out


def test_the_command_boots_what_its_arguments_say(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--node", "512MiB,1", "--node", "256MiB", "--node", "0", "--distance", "0,1,30"]
    words += ["--virtio-mem", "2,256MiB,128MiB", "--slots", "1"]
    assert main(["lab", "boot", kernel.name, *words]) == 0
    assert "node0: 4 blocks, CPUs 0, distances 10 30" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["resume", "release"])
def test_a_file_system_that_is_silent_holds_an_offline_up(kernel: Kernel, ending: str) -> None:
    machine = GuestMachine(
        nodes=(Node(512 * MIB, 1), Node()),
        slots=1,
        options=("memhp_default_state=offline",),
        modules=("fuse",),
    )
    with Guest.boot(kernel, machine) as guest:
        state = state_of_dimm(guest, "d0", node=1)
        assert guest.write(state, "online_movable") == 0
        error, holder = guest.hold("silent", 1 * MIB, node=1)
        assert error == 0
        guest.shell(f"(echo offline > {state}; echo $? > /tmp/answer) > /dev/null 2>&1 &")
        assert guest.shell("sleep 1.5; ls /tmp/answer").rc != 0
        assert guest.agent(ending, str(holder)).code == 0
        assert soon(lambda: guest.shell("cat /tmp/answer").out == "0\n")
        assert guest.read(state) == "offline\n"
