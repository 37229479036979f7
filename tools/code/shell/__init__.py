"""Shell scripts: what is wrong with them, what they endanger, what they touch.

Bash's own grammar decides (tree-sitter), so that quoting, heredocs and substitutions are what they
are to the shell. This package is the only home of that parser.
"""
