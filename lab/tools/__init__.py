"""What every other room of the lab needs.

- `errors`: what can go wrong in the lab; `programs`: programs of this machine that it runs.

May import: nothing of memhp.
"""
