"""Evidence from metrics: Prometheus or a bundle's tables, summarised and never raw."""
