"""Small models to learn from.

- `last_block`: blocks go online and offline, and one stays; docs/tutorial.md builds it.
- `designs`: what if memory hotplug were otherwise; docs/what-if.md walks through one.
- `lock_service`, `distributed_lock`, `sharded_store`, `two_processes`: protocols whose safety
  property is not inductive; `memhp.checks.strengthen` finds what proves it.

May import: spec.language.
"""
