"""Kernels that guests boot: which there are, and how they are fetched.

- `kernel`: Debian's stock kernels, or an image of one's own; `images`: what an image is of.
- `packages`: fetched through apt and unpacked; `sources`: from where; `selftest`: the kernel's own
  test of memory hotplug.
- `definitions`: what a tree of sources defines, with digests; `functions.json`: memhp's own record.

May import: lab.tools, checks.support.
"""
