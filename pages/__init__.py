"""Pages: one self-contained HTML file for a run, a machine, or a check.

Begin with `document`, which every page goes through: templates, style and script in one file,
which loads nothing.  Nothing here prints or writes; the command does.

- `document`: a template filled in, with the style and the script that every page has.
- `drawing`: a run drawn: which elements matter, where they stand, and what is said of each.
- `trace`: the page of a run, step by step.
- `check`: the page of a check: the rows, each with its properties and what refutes what.
- `machine`: the page of a real machine: node by node, its blocks by what can be said of them.
- `kernels`: the page of what real kernels have shown: scenarios, and how their steps went.
- `plan`: the page of a plan: its waves, and where contents go.
- `book`: the specification as a site; `diagram`: the values of a variable and the steps between.

May import: spec, spec.language, reference, checks, machines.reading, machines.planning,
jinja2.
"""
