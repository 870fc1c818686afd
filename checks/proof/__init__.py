"""From actions and properties to obligations, to solvers, to a verdict.

- `prove`: the way in; `results`: what it says. `obligations`: what has to be shown; `goals`: as
  formulas over one state; `counting`: for counters.
- `propagate`: what follows without a solver. `batch`: first answers, many at once; `keys`: by what
  they are kept; `standing`: those of before that stand. `case`, `rounds`: the other obligations,
  with ever more assumptions.
- `smt`: an obligation as text; `solvers`: z3 and cvc5; `pool`, `cache`: many texts, and answers
  that are known already.
- `counterexample`: a machine on which an obligation fails. `questions`: what can be reached.
- `argument`: the last look: does all that was proved rest on what was proved?
- `strength`: what a proof says beside guards, updates and other invariants.
- `certificates`: cvc5's second opinion; `cpc`: its proofs read; `proofs`: kept in a folder.

z3 and cvc5 are imported in `solvers` alone, when one is first asked.

May import: checks.support, spec.language, reference, z3, cvc5.
"""
