"""Small mistakes in the specification, and who notices them.

- `mutations`: every mistake of nine kinds; `judge`: who notices one, cheap witnesses first.
- `samples`: states that walks reach; `refutation`: a small machine on which a proof fails.

May import: checks.support, checks.proof, checks.search, checks.fuzz, spec, spec.language,
reference, engine.
"""
