"""Look-ups in logs: exact counts, rankings and extremes, computed over every line."""
