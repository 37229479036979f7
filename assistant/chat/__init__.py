"""The chat model: LangChain messages in, LangChain messages out, on the engine or on a server."""
