"""What every other room of `checks` needs, and what knows nothing of proofs.

- `verdicts`: verdicts, how several add up, and their exit codes.
- `files`: read up to a bound, written whole or not at all; `scratch`: temporary files;
  `store`: what is known from before; `remembered`: what is made once for each machine.
- `parallel`: work on every core; `workers`, `cluster`: pieces of work, on this machine or on many,
  each of which may be lost alone; `beside`: work whose results are wanted later;
  `compiler`: the machine's C compiler.
- `shrinking`: delta debugging.

May import: spec.language, reference, dask, distributed.
"""
