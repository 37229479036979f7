"""Active probes, read-only and allow-listed: HTTP, TCP, DNS and TLS, asked as a client asks."""
