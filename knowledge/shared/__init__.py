"""One knowledge base for several machines, on a Chroma server."""
