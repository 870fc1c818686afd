"""Memory notifiers of Linux: a cancel goes to every listener, whatever it had heard.

memory_notify() calls the whole chain (blocking_notifier_call_chain) with MEM_CANCEL_ONLINE and
MEM_CANCEL_OFFLINE: also who refused, and who stands behind that and was never told that something
begins.  Each has to remember what it did itself, as virtio-mem does (hotplug_active).

Source: drivers/base/memory.c (memory_notify), kernel/notifier.c, drivers/virtio/virtio_mem.c.
"""

from __future__ import annotations

from ..blocks.block_states import MemoryEvent, event
from ..blocks.listeners import Listener, asked_first, heard
from ..language import Bool, always, implies, sometimes
from ..machine.topology import Block, vetoes_offline, vetoes_online


@always(covers="A1")
def a_cancel_is_heard_by_all(w: Listener, b: Block) -> Bool:
    """Every listener hears that a block stays as it was (I14)."""
    cancelled = (event[b] == MemoryEvent.cancel_online) | (event[b] == MemoryEvent.cancel_offline)
    return implies(cancelled, heard[w, b] == event[b])


@sometimes(covers="A1")
def a_cancelled_removal_is_news_to_a_listener(w: Listener, b: Block) -> Bool:
    """A listener hears MEM_CANCEL_OFFLINE, and never heard MEM_GOING_OFFLINE."""
    behind = vetoes_offline[b] & ~asked_first[w, b]
    return behind & (heard[w, b] == MemoryEvent.cancel_offline)


@sometimes(covers="A1")
def a_cancelled_online_is_news_to_a_listener(w: Listener, b: Block) -> Bool:
    """A listener hears MEM_CANCEL_ONLINE, and never heard MEM_GOING_ONLINE."""
    behind = vetoes_online[b] & ~asked_first[w, b]
    return behind & (heard[w, b] == MemoryEvent.cancel_online)
