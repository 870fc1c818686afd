"""Who brings memory and takes it.

- `firmware`: ACPI devices are inserted and ejected; `firmware_claims`: what is true of them;
  `eject_claims`: and while they are ejected.
- `pseries`: logical memory blocks of ppc64; `standby`: storage increments of s390x.
- `virtio_mem`: memory in pieces smaller than a block; `dax_kmem`: memory that a driver brings;
  `boot_memory`: memory that never goes.

May import: spec.language, spec.machine, spec.blocks.
"""
