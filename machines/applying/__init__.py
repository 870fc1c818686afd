"""A plan, done on the machine that it was made for: the only part that writes to a machine.

- `planned`: the steps that a plan's document says, checked.
- `states`: what blocks and the machine say of themselves; `checks`: whether it is as planned.
- `writer`: one write, in a process of its own and within its time.
- `journal`: what was begun and what came of it, on disk before and after each write.
- `apply`: one step after the other, on, back, or on again: the way in.

May import: machines.reading.
"""
