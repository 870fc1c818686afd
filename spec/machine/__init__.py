"""What there is: sorts, topology, and the state that several concerns change.

- `topology`: nodes, blocks, sections and frames, and what was there at boot. Begin here.
- `platform_state`: LMBs, sub-blocks and storage increments, where a platform has them.
- `section_parts`: what hangs on a section besides its mem_map.
- `bookkeeping`: what the rest of the kernel keeps for blocks and nodes that are in use.
- `zone_spans`: from where to where a zone and a node reach.
- `firmware_request`: what the firmware has asked for.

No other concern is known here: each of them imports this room.

May import: spec.language.
"""
