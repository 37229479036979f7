"""Python code: what its compiler and ruff say, what it endangers, what it touches."""
