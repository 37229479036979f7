"""PromQL for a question: the known names and figures of it make the grammar of its query."""
