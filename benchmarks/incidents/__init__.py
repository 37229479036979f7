"""The recorder of the incident suite in `tests/incidents`: real programs that really fail."""
