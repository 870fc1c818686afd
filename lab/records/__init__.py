"""Guests that are kept as records, with what happened when each block was tried.

- `recordings`: which guests, and what is done in each; `trial`: every block is tried.

May import: lab.tools, lab.kernels, lab.guest, machines.reading.
"""
