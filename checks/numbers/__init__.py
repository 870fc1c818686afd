"""Claims for all sizes and options, and the best choice among them.

- `sizes`: claims on section and block sizes; `section_size`: what a size costs on a memory map;
  `section_choice`: which one to take.
- `configuration`: what a kernel configuration has; `configuration_claims`: what holds for all;
  `configuration_judge`: the judgement on one; `configuration_plan`: the smallest change;
  `configuration_fragment`: what a part of one decides.
- `cost`: what a step reads and writes.

May import: checks.support, checks.proof, spec.language, spec.numbers, z3.
"""
