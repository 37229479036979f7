"""One module a format: each turns a file's content into documents with blocks."""
