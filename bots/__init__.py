"""Fronts that live in other programs: Slack and Alertmanager."""
