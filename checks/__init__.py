"""Proof, search and what they found: verdicts on the specification.

`run.check` is the main job; follow it down. The rooms, from the ground up:

- `support`: files, what is kept, processes, verdicts. Knows nothing of proofs.
- `ground`: the specification on one finite machine, as formulas and tables.
- `proof`: from actions and properties to obligations, to solvers, to a verdict.
- `search`: shortest traces and lassos. `explore`: all states, by generated C.
- `fuzz`: an implementation in lock step. `numbers`: claims for all sizes and options.
- `mutants`: small mistakes in the specification, and who notices them.
- `designs`: a design of one's own, and what comes of it.
- `strengthen`: invariants that make a proof by induction go through, found.

Here: `run`: every property of a system decided; `ahead`: traces, looked for while it proves;
`decision`: the verdict on one, and its evidence; `earlier`: the decisions of an earlier run;
`coverage`: the table of rows, from `evidence`.

May import: checks.support, checks.ground, checks.proof, checks.search, checks.fuzz,
checks.numbers, spec, spec.language, spec.variants, reference.
"""
