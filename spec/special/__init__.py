"""Folios with rules of their own.

- `huge_pools`: huge folios and their pools; `huge_mappings`, `huge_pins`: page tables and devices
  that lead to them; `huge_migration`: they move whole; `huge_pools_claims`,
  `huge_mappings_claims`, `huge_migration_claims`: what is true of all that.
- `kernel_memory`: kernel memory moves and keeps its address (future work, K1);
  `kernel_memory_claims`: what is true of it; `cpu_hotplug`, `kernel_dma`: CPUs that come and
  go, and devices, have to do with it.
- `closing`: a block, or a node, takes no new memory, and nothing is on its way into it.
- `sticky`: what cannot move is found before the work; `kernel_draining`, `huge_draining`: kernel
  pages and huge folios leave, and that ends.
- `page_errors`: frames with memory errors; `page_errors_claims`: what is true of them,
  `huge_errors_claims`: of huge folios that have them.

May import: spec.language, spec.machine, spec.blocks, spec.folios.
"""
