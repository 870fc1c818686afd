"""A design of one's own: what it changes, what breaks, what cannot be proved, what holds.

- `answer`: all of it, in this order. Begin here.
- `differences`: which steps are new, which are refused now, which lead elsewhere.
- `rows`: what it has of the list.

May import: checks, checks.support, checks.proof, checks.search, spec, spec.language, reference.
"""
