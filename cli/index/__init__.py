"""What has a name: everything that memhp ever prints, by kind, each with what it says.

- `entry`: a name, its kind, and what is told of it; `entries`: all of them, and those of a name.
- `readers`: who reads and who writes each symbol.
- `declared`: actions, guards, properties, axioms, definitions, modules; `symbols`: sorts,
  enumerations and their members, topology, variables.
- `designs`: profiles, Linux's choices, variants, rows; `kernel`: functions of Linux that are cited,
  and errnos.
- `words`: operations, scenarios on real kernels, capabilities of a configuration, and the words
  of the glossary.

May import: spec, spec.language, spec.numbers, spec.variants, spec.linux, reference, checks.numbers,
lab.conform.
"""
