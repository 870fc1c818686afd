"""The `memhp` command: the only part that prints.

One module a command: its arguments, and its exit code. `main`: the entry point; `commands`: all of
them. What they share: `arguments`: kinds of arguments; `help`: how help is laid out; `names`: what
a user may name; `files`: files to write, and how a mistake is told; `designs`, `systems`: a design
or a whole system of one's own, from its file, which `authored` runs.
`pages`: what `--html` writes. `output`: how things look; `index`: what
has a name, by kind.

- `check` (with `proofs`, `mutants`, `strengthen`), `coverage`, `variants`, `explain`,
  `book`, `export` (with `requirements`, `drift`): the specification.
- `design`: what a design of one's own comes to, and a file to begin one with.
- `explore`, `step`, `replay`, `fuzz`: machines, traces, implementations.
- `inspect` (with `inspect_tables`, `inspect_document`, `inspect_time`), `why` (with `why_blocks`),
  `plan`, `apply` (both with `planning`), `kconfig`, `sections` (with `sections_blocks`): an
  operator's machine.
- `schemas`: the JSON schema of each document. `completion`, `man`: for shells and man(1).
- `lab` (with `conform`, `kernel_target`, `ktap`, `junit`): real kernels.

May import: everything.
"""
