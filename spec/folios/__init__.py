"""What lives in a block, and how it moves out.

- `frames`: what the allocator hands out; `per_cpu`: free frames that its lists do not show.
- `drain`: allocation is turned off ahead of time; `destination`: where contents go.
- `page_tables`: who reaches a folio; `migration_stage`, `migration`: a folio moves to another
  frame; `migration_claims`: what is true at every moment of that.
- `removal_work`: what emptying a block takes; `scheduled_removal`: the work only shrinks;
  `emptying`: it ends.
- `writeback`, `writeback_errors`, `private_data`: what stores and filesystems have to say; `dma`,
  `dma_claims`: devices that use memory as their buffer; `references`: whoever has a folio for a
  moment.

May import: spec.language, spec.machine, spec.blocks.
"""
