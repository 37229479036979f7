"""SQL: what does not parse, what destroys or locks, which tables it touches, how to try it dry.

This package is the only home of sqlglot. Nothing here talks to a database.
"""
