"""Where states come from: readers of sysfs and procfs, live or recorded.

- `tree`: one read-only view of a machine's files, kept in a directory (`directory`)
  or a tar (`tarball`), safe against hostile input; `errors` says what is refused.
- `sysfs`: what the memory blocks and nodes of a machine say about themselves.
- `procfs`: `/proc/iomem`, `/proc/zoneinfo` and the `meminfo` of a node.
- `pageflags`: what the frames of each block are used for (live machines only).

Start at `memhp.machines.sysfs.read_machine`. Nothing here writes, and nothing
here guesses: what a machine does not say is None.
"""
