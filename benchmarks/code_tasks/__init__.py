"""Requests for scripts as an on-call engineer makes them, and whether generated code does them.

The tasks themselves are in `tests/code_tasks`. Code runs in the sandbox and is judged by its
effect.
"""
