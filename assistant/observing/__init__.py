"""What a running server tells of itself: metrics, logs, traces, and the figures of `midwatch top`.

All of it is made from a turn's events, from requests as they pass, and from the engine's status
when somebody asks, so that the agent and the engine know nothing of it.
"""
