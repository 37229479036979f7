"""The demonstration: a small shop that really runs, really breaks, and is really diagnosed."""
