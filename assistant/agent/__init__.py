"""The agent: how a question becomes evidence, and evidence an answer that can be checked."""
