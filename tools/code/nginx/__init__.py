"""Configurations of nginx: directives and their places, what they open, what they say of paths.

This package is the only home of crossplane.
"""
