"""What the machine itself says: its figures, what is near a limit, and single processes."""
