"""Model files: which ones there are, where they lie, how they get here."""
