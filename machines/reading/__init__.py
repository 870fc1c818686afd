"""What a machine says: readers of sysfs and procfs, live or from a record. They only read.

- `tree`: one view of a machine's files, kept in a directory (`directory`) or a tar (`tarball`, by
  `archive` and `unpack`), safe against hostile input; `errors`: what is refused.
- `sysfs`: memory blocks, the way in (`read_machine`); `numa`: nodes; `procfs`: iomem, zoneinfo,
  meminfo; `device_tree`: boot memory; `cma`: areas of the contiguous memory allocator;
  `architecture`: which one it is; `extent`: ranges that are asked often.
- `pageflags`: what frames are used for; `findings`: the same counted; `record`: this machine as a
  tar.
- `memory_map`: where a machine has memory; `kernel_config`: a kernel's configuration.

What a machine does not say is None.

May import: spec.numbers, numpy.
"""
