"""A design or a system of one's own: what it changes, breaks, cannot prove, keeps.

- `answer`: all of it, in this order. Begin here.
- `differences`: which steps are new, which are refused now, which lead elsewhere.
- `systems`: the answer to a system that is no memory hotplug.
- `rows`: what it has of the list, or of its own rows.

May import: checks, checks.support, checks.proof, checks.search, spec, spec.language, reference.
"""
