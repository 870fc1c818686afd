"""Real kernels held against the reference.

- `board`: the machine of a guest, and the same one for the reference; `shown`: what both show.
- `target`: a kernel in a guest, and what it is asked; `look`: what its blocks hold.
- `follow`: operations on both, with what is determined and what is only allowed; `worlds`: the
  reference led to what a guest shows; `deviations`: what Linux is known to do otherwise.
- `walk`: random operations; `report`: how they went; `shrink`: fewer of them that disagree, too.
- `scenarios`: what rows of the list say, done on a kernel; `plays`, `mem_maps`, `moves`, `pools`,
  `errors`, `lmbs`, `versions`, `notified`: each of them; `traced`: what the kernel was seen to
  enter; `steps`: what they are made of.
- `results`: what was seen, kept.
- `campaign`: all of that on one kernel, the way in for `cli`; `evidence`: what kernels have shown,
  by scenario.

May import: lab.tools, lab.kernels, lab.guest, machines.reading, machines.judging,
checks.support, spec, spec.language, spec.devices, spec.numbers, reference.
"""
