"""Where states come from: a real machine, read and judged.

- `reading`: what sysfs and procfs say, live or recorded. Start at `reading.sysfs.read_machine`.
- `judging`: what the specification says of that. Start at `judging.offline`.

Nothing here writes, and nothing here guesses.

May import: nothing of memhp.
"""
