"""`midwatch serve`: one process that owns the model, for every front and program."""
