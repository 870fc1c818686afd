"""Invariants that strengthen: what makes a proof by induction go through, found and proved.

- `suggest`: the way in. `search`: candidates, from counterexamples to induction, and proofs.
- `find`: of what excludes a counterexample, what is likeliest an invariant; `together`: what holds
  together on a small machine.
- `reach`: how much is tried; `atoms`: the grammar; `clauses`, `counters`: what excludes
  a counterexample and no state that was seen.
- `machines`: small ones, of many topologies; `states`: what they reach.
- `words`: names, docstrings and source code for what is found.

May import: checks.ground, checks.proof, checks.search, spec.language, reference, numpy.
"""
