"""From a goal to a plan: which memory goes, in which order, where to, how long, or why not.

- `goals`: what is to go; `facts`: what moves of each block, and where room is.
- `destinations`: where contents may go, asked of the specification; `around`: what is around the
  blocks that go, and what is left.
- `choice`: which blocks, by `transport`, a flow; `optimum`: that none is better, proved.
- `cores`, `obstacles`: the smallest set of facts that forbids a goal.
- `order`: one block after the other; `times`: how long; `certify`: each step on the reference;
  `whole`: all of them on the engine, frame by frame.
- `addition`: the way in: what adding memory takes.
- `plan`: all of that, where to begin. `advice`: what comes before and after; `document`: a plan for
  programs, `runs`: its steps joined for readers; `script`: for a shell.

Nothing here writes.

May import: machines.reading, machines.judging, spec.language, spec.numbers, reference, engine,
networkx, z3.
"""
