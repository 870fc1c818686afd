"""The script is run by a test, and imports its parts by another name."""

collect_ignore = ["run.py"]
