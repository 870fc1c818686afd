"""Small models to learn from; docs/tutorial.md builds `last_block` step by step.

They need nothing but `memhp.spec.language`, and nothing else in memhp reads them.
"""
