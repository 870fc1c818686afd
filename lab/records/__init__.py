"""Guests that are kept as records, with what happened when each block was tried.

- `recordings`: which guests, and what is done in each; `trial`: every block is tried.
- `judged`: every block is judged by memhp in the guest, and tried, by what `judging` does there.

May import: lab.tools, lab.kernels, lab.guest, machines.reading, machines.judging.
"""
