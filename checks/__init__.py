"""Proof, search and what they found: verdicts on the specification."""
