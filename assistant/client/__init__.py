"""Talking to a running `midwatch serve`: finding it, and using it as an `Assistant`."""
