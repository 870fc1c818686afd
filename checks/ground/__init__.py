"""The specification on one finite machine, as formulas and tables.

- `cuts`: what of a specification a property depends on; `parts`: some of its actions or variables.
- `formulas`: sentences about places; `grounding`: terms become such sentences; `model`: the
  machine that is searched; `tables`: the same, as numbers for C.
- `symmetry`: which elements the topology does not tell apart; `topologies`: those that the axioms
  allow; `bulk`: terms on many states, or topologies, at once.

May import: checks.support, spec.language, reference, numpy.
"""
