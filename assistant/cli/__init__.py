"""The `midwatch` command. The composition root: only here do all the parts meet."""
