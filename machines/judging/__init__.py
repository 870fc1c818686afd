"""What the specification says of a reading.

- `completions`: the worlds that a reading leaves open, with `room`: whether pages find a place;
  `court`: a block is judged in each.
- `offline`: which blocks could go offline, the way in; `likelihood`: what is likely where that is
  not told; `onlining`: how a block that is offline comes back.
- `explanations`: why a block stays, or a removal failed, and what helps.
- `page_work`: what moving a block's pages takes; `removal_time`: what that costs, and
  `measured_costs` what it does on the machine at hand; `forecast`: how long removing takes, and
  whether a reboot is faster.

May import: machines.reading, spec, spec.language, spec.numbers, reference.
"""
