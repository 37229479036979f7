"""Incident memory: what went wrong before, how it looked, and what fixed it."""
