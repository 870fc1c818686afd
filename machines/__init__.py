"""A real machine, read and judged; and how memory of it goes.

- `reading`: what sysfs and procfs say, live or recorded. Start at `reading.sysfs.read_machine`.
- `judging`: what the specification says of that. Start at `judging.offline`.
- `planning`: how memory goes to meet a goal, or why not. Start at `planning.plan`.
- `applying`: a plan, done or taken back. Start at `applying.apply`.

Nothing but `applying` writes, and nothing here guesses.

May import: nothing of memhp.
"""
