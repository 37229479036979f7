"""How good the answers to recorded cases are: running a suite, judging it, and reporting."""
