"""Checks of generated or pasted code by real tools: nothing here runs the code it is given."""
