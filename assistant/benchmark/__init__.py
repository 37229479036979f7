"""How fast the local model answers on this machine: what `midwatch bench` measures.

`workload` makes the prompts, `opening` opens the engine, `answers` reads answers and takes the
times, `starting` starts fresh processes, `figures` says what comes of it, and `run` puts it all
together. The drivers in `benchmarks/` compare other programs on the same prompts.
"""
