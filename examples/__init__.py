"""Small models to learn from.

- `last_block`: blocks go online and offline, and one stays; docs/tutorial.md builds it.
- `designs`: what if memory hotplug were otherwise; docs/what-if.md walks through one.

May import: spec.language.
"""
