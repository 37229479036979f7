"""The shop: front takes customers, checkout takes orders, payments takes cards, worker the rest.

Each is a program of its own that knows only the standard library, finds the ports of the others in
its environment, and writes its log to its standard streams in a format of its own.
"""
