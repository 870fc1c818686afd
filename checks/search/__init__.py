"""Shortest traces, and runs without end.

- `search`: layer by layer from the boot state, by the reference; `layers`: the same in C.
- `scopes`: the small machines that are looked at; `usual`: what they can reach.
- `localise`: only what a property depends on is searched; `trivial`: where nothing need be.
- `lasso`: work that never ends.
- `alike`: what several systems share; `traces`: traces of an earlier run.

May import: checks.support, checks.ground, checks.proof, spec.language, reference, networkx.
"""
