"""What midwatch does once a person has agreed: approvals and service managers put together.

`assistant.approvals` knows who agreed to what, `tools.services` how it is done; neither knows the
other. Here they meet, and here alone.
"""
