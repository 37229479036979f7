"""Readers of command outputs, one module per subject; `tools.captures.parsing` knows them all."""
