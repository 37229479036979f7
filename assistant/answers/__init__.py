"""What was worked out once and need not be again: whole answers, and what tools found.

An answer is kept for as long as everything that it rests on is the same, a tool's result for a few
seconds. Neither ever makes a turn fail: where a cache cannot be used, the work is done.
"""
