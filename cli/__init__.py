"""The `memhp` command: the only part that prints."""
