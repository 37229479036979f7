"""Evidence tools: what logs, captures, services and (later) metrics say, as findings."""
