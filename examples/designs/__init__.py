"""Designs of one's own: what if memory hotplug were otherwise? `memhp check --design FILE` answers.

- `pgdat_relocated`: a node's pgdat moves, so that its section need not be the last to go.
- `cache_freed_early`: the migration cache lets go of a folio before its source is freed.
- `kernel_reserve`: each node keeps free frames for the kernel.
- `budget_in_bytes`: a removal may copy so many KiB, and no more.
- `kernel_in_a_hurry`: a wrong one. The kernel takes removable memory where nothing else is free.

May import: spec.language, spec.machine, spec.blocks, spec.folios.
"""
