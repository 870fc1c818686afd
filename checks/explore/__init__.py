"""Exhaustive search of one machine, compiled from the specification.

A topology makes every sentence of the specification finite (`grounding`,
`formulas`, `model`); a state then fits a few words (`layout`), and what follows
it is generated as C (`code`, `expressions`, `sorting`), compiled and run
(`native`, `search.c`).  The same model can be written for Spin (`promela`).
"""
