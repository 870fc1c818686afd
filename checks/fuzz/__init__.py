"""Fuzzing: a target and the reference do the same operations, and are compared after each."""
