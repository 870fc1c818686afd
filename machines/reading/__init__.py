"""What a machine says: readers of sysfs and procfs, live or from a record. They only read.

- `tree`: one view of a machine's files, kept in a directory (`directory`) or a tar (`tarball`, by
  `archive` and `unpack`), safe against hostile input; `errors`: what is refused.
- `places`: where files lie; `files`: a tree of files at hand; `listed`: what `lsmem` printed;
  `support`: what sosreport and supportconfig collect.
- `sysfs`: memory blocks, the way in (`read_machine`); `block_size`: how large one is; `devices`:
  whose a block is; `policy`: how added memory goes online; `numa`: nodes; `procfs`: iomem,
  zoneinfo, meminfo; `device_tree`: boot memory; `cma`: areas of the contiguous memory allocator;
  `cpuinfo`, `architecture`: which one it is; `extent`: ranges that are asked often.
- `pageflags`: what frames are used for; `frames`: of each block, wherever it is told; `findings`:
  the same counted; `record`: this machine as a tar.
- `kernel_memory`: the kernel's memory, whatever file has it: `kernel_core`, `/proc/kcore` or an ELF
  dump; `compressed_dump`, one of makedumpfile, with `unpacking`; `vmcoreinfo`: its note;
  `page_tables`, `page_structs`: the structure of each frame; `references`: which of them nothing
  explains; `large_pins`: where a large folio counts its pins; `evidence`: all that by block, the
  way in; `block_evidence`: what is kept of it. `live_evidence`: this machine's; `crash_dump`,
  `dump_kinds`, `dump_words`: a dump's. `any_machine`: whichever.
- `holders`: which processes map a block; `bindings`: who is bound to nodes; `kernel_log`: what a
  log says of a removal; `speed`: how fast this machine is at what a removal takes.
- `memory_map`: where a machine has memory; `kernel_config`: a kernel's configuration; `units`:
  bytes in words.

What a machine does not say is None.

May import: spec.numbers, numpy, cramjam, lzallright.
"""
