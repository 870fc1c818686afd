"""Sections and memory blocks come and go.

- `sections`: nodes, sections and their metadata; `section_readers`: who looks at it without a lock.
- `block_states`: the states of blocks and frames.
- `listeners`: what each memory notifier hears of a block.
- `blocks`: online, offline, and back when that fails; `block_removal`: a block leaves sysfs.
- What is true of them: `section_claims`, `block_claims`, `bookkeeping_claims`, `span_claims`.

May import: spec.language, spec.machine.
"""
