"""Logs that are no plain files: the journal, containers and pods, fetched into files."""
