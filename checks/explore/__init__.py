"""Exhaustive search of one machine, compiled from the specification.  It states no rule.

- `run`: the way in; `results`: what was covered and found.
- `packing`: where each place of `checks.ground.model` lives in a state of a few words.
- `code`, `expressions`, `sorting`: the steps as C; `native`: compiled with `search.c`, and run.
- `split`, `digits`: a state as a few digits, so that it is one bit (`bits.c`).
- `plain`: the same without a compiler; `promela`: the same model for Spin; `dot`: states and steps
  for Graphviz.

May import: checks.support, checks.ground, checks.search, spec.language, reference, networkx.
"""
