"""midwatch: the assistant itself, from the chat model to the command line."""
