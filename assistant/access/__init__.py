"""Who may use a server, and how much of it: API tokens, and quotas for each user."""
