"""What is computed for all options and sizes, instead of proved step by step.

- `architectures`: sizes that kernels have; `section_size`: what such a size must satisfy;
  `hot_add`: what adding memory takes.
- `kconfig_language`: how Kconfig gives an option its value; `kconfig`, `kconfig_memory`,
  `kconfig_devices`: its rules for memory hotplug; `kconfig_claims`: what they imply;
  `kernel_releases`: in which releases an option exists.
- `normal_path`: what allocation, free, fault and look-up may read of hotplug.

May import: spec.language, spec.machine, spec.blocks.
"""
