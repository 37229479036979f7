"""PromQL: what does not parse, what parses and answers something else, which metrics it reads.

This package is the only home of promql-parser. Nothing here asks a Prometheus.
"""
