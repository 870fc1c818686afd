"""How things look: tables for a person, documents for a program.

- `streams`: what goes out, quoted, and what cannot be written; `tables`: rich's console;
  `terminal`: sentences, cells, steps.
- `traces`, `again`, `rows`, `designs`, `explored`, `fuzz`, `sections_tables`, `sections_plot`,
  `plans`, `additions`, `sdoc`: one a kind of answer.

May import: spec, spec.language, spec.numbers, reference, checks, checks.designs, checks.support,
checks.proof, checks.search, checks.explore, checks.fuzz, checks.numbers, machines.reading,
machines.planning, rich, matplotlib.
"""
