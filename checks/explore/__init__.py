"""Exhaustive search of one machine, compiled from the specification."""
