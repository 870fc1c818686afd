"""Fuzzing: a target and the reference do the same operations, and are compared after each.

`conformance.conformance` makes a test case of a target of your own.
"""
