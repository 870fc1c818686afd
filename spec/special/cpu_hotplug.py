"""CPUs come and go, but not while a kernel page is half moved (K1).

A CPU that comes online while the others have stopped would know nothing of the page
that moves: it could load the old frame's address, and store behind the copy.  Linux
keeps both apart by a lock: stop_machine() holds it for reading, hotplug for writing.

Source: kernel/cpu.c (cpus_read_lock, cpu_up, cpu_down), kernel/stop_machine.c.
"""

from __future__ import annotations

from errno import EBUSY

from ..language import (
    Bool,
    action,
    after,
    always,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from .kernel_memory import (
    Cpu,
    KernelPage,
    KernelStage,
    cpu_online,
    kernel_stage,
    maps_to,
    old_frame,
    stopped,
    tlb_valid,
    waits_to_be_remapped,
)


@action
def cpu_down(c: Cpu) -> None:
    """A CPU goes offline, and translates nothing until it comes back (take_cpu_down).

    So its TLB counts as empty: what it held is never used again.
    Linux lets none go while CPUs stop, either: of those that do not run a copy needs nothing.
    """
    guard("online", cpu_online[c], why="the CPU is offline already")
    guard("not_stopped", ~stopped[c], errno=EBUSY, why="the CPU has stopped and waits")
    guard(
        "not_the_last",
        exists(Cpu, lambda e: cpu_online[e] & (e != c)),
        errno=EBUSY,
        why="it is the only CPU that is online",
    )
    cpu_online[c] = false
    tlb_valid.update(where=lambda e, k: e == c, value=false)


@action
def cpu_up(c: Cpu) -> None:
    """A CPU comes online, with an empty TLB."""
    guard("offline", ~cpu_online[c], why="the CPU is online already")
    guard(
        "no_page_half_moved",
        ~exists(KernelPage, lambda k: waits_to_be_remapped(k)),
        errno=EBUSY,
        why="the CPUs stop for a page that moves, or have stopped (cpus_read_lock)",
    )
    cpu_online[c] = true


# --- what is true -------------------------------------------------------------------------------


@always(covers="K1")
def some_cpu_is_online(c: Cpu) -> Bool:
    """There is always a CPU that executes instructions, if only to wait for others."""
    return implies(~cpu_online[c], exists(Cpu, lambda e: cpu_online[e]))


@always(covers="K1")
def offline_cpus_have_an_empty_tlb(c: Cpu, k: KernelPage) -> Bool:
    """What a CPU knew of addresses is forgotten when it goes: nobody could ask it to flush."""
    return implies(~cpu_online[c], ~tlb_valid[c, k])


@always(covers="K1")
def only_cpus_that_are_online_stop(c: Cpu) -> Bool:
    """No CPU is waited for that does not answer."""
    return implies(stopped[c], cpu_online[c])


@step(covers="K1 U3")
def a_copy_waits_for_no_new_cpu(c: Cpu, k: KernelPage) -> Bool:
    """While the CPUs stop for a page, those that have to stop become no more."""
    waits = (kernel_stage[k] == KernelStage.stopping) & after(
        kernel_stage[k] == KernelStage.stopping
    )
    return implies(waits & after(cpu_online[c]), cpu_online[c])


@step(covers="K1")
def a_cpu_that_goes_takes_no_entry_of_another(c: Cpu, e: Cpu, k: KernelPage) -> Bool:
    """What other CPUs know of addresses stays: a CPU that goes flushes nobody's TLB but its own."""
    goes = cpu_online[c] & ~after(cpu_online[c])
    return implies(goes & (e != c) & tlb_valid[e, k], after(tlb_valid[e, k]))


@sometimes(covers="K1")
def a_cpu_goes_while_none_is_stopped(c: Cpu) -> Bool:
    """To go offline, a CPU need not wait until a page moves."""
    goes = cpu_online[c] & ~after(cpu_online[c])
    return goes & ~exists(Cpu, lambda e: stopped[e])


@sometimes(covers="K1")
def a_page_moves_while_a_cpu_is_offline(c: Cpu, e: Cpu, k: KernelPage) -> Bool:
    """One CPU is offline, another has stopped, and the page is copied."""
    return ~cpu_online[c] & stopped[e] & (kernel_stage[k] == KernelStage.copied)


@sometimes(covers="K1")
def a_new_cpu_finds_a_page_that_has_moved(c: Cpu, k: KernelPage) -> Bool:
    """A CPU comes online after a page moved, and before its old frame is freed."""
    comes = ~cpu_online[c] & after(cpu_online[c])
    return comes & (kernel_stage[k] == KernelStage.remapped) & (maps_to[k] != old_frame[k])
