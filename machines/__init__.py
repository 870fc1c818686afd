"""Where states come from: readers of sysfs and procfs, live or recorded.

- `tree`: one read-only view of a machine's files, kept in a directory (`directory`)
  or a tar (`tarball`, which reads what `archive` finds in what `unpack` unpacks), safe against
  hostile input; `errors` says what is refused.
- `sysfs`: what the memory blocks of a machine say about themselves; `numa`: its nodes;
  `cma`: areas of the contiguous memory allocator; `extent`: ranges that are asked often.
- `procfs`: `/proc/iomem`, `/proc/zoneinfo` and the `meminfo` of a node.
- `device_tree`: the memory that was there at boot, where a device tree tells it.
- `pageflags`: what the frames of each block are used for; `findings`: the same, counted,
  in a record, and how trying its blocks ended; `record`: this machine as such a record.
- `worlds`, `estimate`: what a reading leaves open, and what the specification says of it.

Start at `memhp.machines.reading.sysfs.read_machine`. Nothing here writes, and nothing
here guesses: what a machine does not say is None.
"""
