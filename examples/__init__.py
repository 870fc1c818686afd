"""Small models to learn from.

- `last_block`: blocks go online and offline, and one stays; docs/tutorial.md builds it.

May import: spec.language.
"""
