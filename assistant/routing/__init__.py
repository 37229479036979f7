"""Which model does which work: rules, budgets, consent, and what the answer says of it."""
