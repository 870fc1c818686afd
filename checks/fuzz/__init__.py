"""Fuzzing: a target and the reference do the same operations, and are compared after each.

- `conformance`: makes a test case of a target of one's own; the way in for a user's tests.
- `rules`: which operations there are, and how one is drawn; `topologies`: the machines; `plan`:
  which of both a target is asked.
- `walk`, `lockstep`: a random walk, compared step by step; `told`: what was never shown.
- `targets`: what a user names; `isolated`, `protocol`: in a process of its own.
- `campaign`, `pieces`: much of it, on every core; `record`: what is kept.
- `vectors`: what is right, written down for implementations elsewhere.
- `agreement`, `reached`: does the engine agree, and what did walks reach?

May import: checks.support, checks.ground, spec, spec.language, reference, engine, hypothesis.
"""
