"""Units of systemd: sections and keys, what does not do what it looks like, what they start."""
