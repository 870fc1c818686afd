"""On which machine of `usual.ROOMY` a shortest trace refutes each wrong design.

It is looked for there first, which spares the others; a trace found anywhere is an answer as well.
"""

from __future__ import annotations

__all__ = ["REFUTED_ON"]

_NAMES = {
    0: """
        another-try-costs-nothing block-closed-under-a-migration buffers-moved-in-use
        cache-entry-dropped-early cache-entry-leaks-on-abort cancel-frees-what-others-use
        copied-with-an-unexpected-reference crash-map-out-of-date
        destination-in-a-draining-block destination-on-a-leaving-node
        device-removed-while-online dissolved-though-promised folio-freed-under-a-reference
        free-count-forgotten-on-dissolve highest-zone-forgets-movable
        huge-folio-freed-while-mapped isolation-left-on-abort kernel-memory-anywhere
        kernel-memory-on-a-leaving-node kernel-memory-while-draining leaving-node-is-filled
        lock-left-held looked-for-in-an-open-block memmap-freed-before-its-pages
        move-waits-for-more-room moved-under-writeback no-giving-up-while-waiting
        node-closed-under-a-migration node-span-takes-in-empty-zones
        pgdat-block-leaves-first pool-grows-in-a-draining-block pool-grows-on-a-leaving-node
        promise-overlooked reference-taken-of-a-frozen-folio shared-usage-map-freed
        surplus-freed-into-the-pool tries-without-a-budget wait-without-a-budget
        writeback-error-forgotten
    """,
    1: """
        method-moves-the-wrong-pointer object-rmap-alone private-data-found-on-its-way
        private-data-left-behind
    """,
    2: """
        chain-stopped-without-a-refusal eject-told-too-early ejected-while-present
        empty-node-judged-by-poisoned-pages empty-node-keeps-memory
        memmap-used-uninitialised pgdat-goes-early populated-with-the-boot-pageset
        refusal-puts-everything-online refused-blocks-stay-offline
        spans-not-shrunk-at-offline structures-kept-for-ever uncounted-memmap-subtracted
        writer-waits-for-the-lock zonelists-rebuilt-too-early
    """,
    3: """
        metadata-freed-by-a-failed-offline metadata-freed-by-the-kernel metadata-handed-out
        metadata-in-the-removable-area
    """,
    4: """
        blocks-shown-before-their-node failed-add-leaves-its-node movable-node-forgotten
        node-structure-missing pgdat-freed-early pgdat-never-initialised-first
        structures-for-normal-memory-alone
    """,
    5: """
        destination-anywhere method-fails-after-moving requests-overlap work-before-looking
    """,
    6: """
        device-writes-after-unpin dirty-data-moved-without-a-method
        failed-writeback-taken-for-success private-data-moved-by-strangers
        private-data-released-in-use
    """,
    7: """
        free-count-wrong-after-abort huge-entry-left-behind
        huge-folio-moved-to-a-leaving-node huge-folio-unlocked-with-an-entry-left
        huge-tries-without-a-budget migratable-mark-lost
        no-giving-up-while-a-huge-folio-moves surplus-forgotten-on-migration
        temporary-folio-on-a-leaving-node temporary-folio-stays
    """,
    8: """
        gigantic-moved-into-ordinary
    """,
    9: """
        block-reference-leaks usage-map-freed-under-a-reader
    """,
    10: """
        absent-pgdat-used pgdat-gone-under-a-walker
    """,
    11: """
        cpu-lists-not-drained freed-to-a-cpu-after-the-drain
    """,
    13: """
        failed-ej0-not-undone shared-block-ignored
    """,
    14: """
        buffer-in-a-leaving-block device-never-resumed folio-freed-while-pinned
        moved-by-its-map-count-alone pinned-folio-moved-under-its-device
        pinned-in-the-middle-of-a-move resumed-after-the-copy
        resumed-before-the-table-is-updated source-freed-under-a-stopped-device
        used-without-a-reference
    """,
    15: """
        buffer-in-the-removable-area
    """,
    16: """
        unwritten-data-dropped
    """,
    17: """
        kernel-buffer-freed-under-its-device kernel-buffer-moved-under-its-device
        kernel-frame-freed-behind-its-address kernel-page-moved-to-a-leaving-node
        kernel-page-unmapped-without-a-flush kernel-refusal-forgotten
        kernel-source-freed-before-the-flush no-giving-up-while-a-kernel-page-moves
        one-cpu-not-stopped resumed-with-an-old-tlb-entry source-freed-while-mapped
        store-lost-in-the-copy
    """,
    18: """
        kernel-page-moved-into-the-removable-area
    """,
    19: """
        failed-add-left-behind part-of-a-device-is-success
    """,
    20: """
        failed-request-not-taken-back lmb-released-before-the-count
        lmb-released-while-present
    """,
    21: """
        reserved-lmb-removed
    """,
    22: """
        driver-keeps-its-frames driver-loses-its-frames memmap-host-goes-early
        memmap-host-leaves-first range-taken-in-part struct-pages-in-offline-memory
        subblock-unplugged-in-use unplugged-subblock-handed-out
    """,
    23: """
        added-without-the-lock altmap-freed-too-early altmap-not-told
        announced-after-a-refusal boot-memory-goes-against-the-veto cancel-told-to-all
        online-before-assignment s390-partial-assignment storage-kept-while-offline
    """,
    24: """
        firmware-map-forgets-too-early
    """,
    25: """
        cpu-comes-back-with-its-tlb cpu-comes-online-during-a-copy
    """,
    26: """
        cpus-go-on-before-the-copy kernel-page-moved-anywhere kernel-tries-without-a-budget
    """,
    27: """
        frame-with-an-error-is-freed huge-folio-with-an-error-is-used
        memory-with-an-error-is-mapped soft-offline-under-its-owner
        something-else-in-place-of-what-was-lost what-was-lost-is-copied
        what-was-lost-is-written-out
    """,
    28: """
        errors-outlive-their-memory frame-with-an-error-keeps-its-block
        huge-buffer-in-a-leaving-block huge-folio-lent-on-a-leaving-node
        huge-folio-with-an-error-is-pinned large-poisoned-folio-stays loss-is-not-told
        memory-with-an-error-is-pinned online-forgets-errors online-with-a-known-error
        poisoned-folio-unmapped-without-its-lock
    """,
    31: """
        sticky-memory-overlooked
    """,
    32: """
        driver-leaves-its-memory
    """,
    33: """
        huge-buffer-in-the-removable-area huge-folio-freed-while-pinned
        huge-folio-pinned-in-the-middle-of-a-move pinned-huge-folio-moved
    """,
    34: """
        ej0-looked-for-last eject-although-forbidden eject-takes-all-offline
        forbidden-while-it-goes
    """,
    35: """
        allocation-refills-what-drains
    """,
    39: """
        memory-made-huge-beside-a-pool surplus-forgotten-on-dissolve
    """,
}
REFUTED_ON = {name: number for number, names in _NAMES.items() for name in names.split()}
