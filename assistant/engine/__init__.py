"""The inference engine: token sequences in, text out, on a local GGUF model.

The package knows nothing of chats, tools or runbooks. `interface` is what others see; `llama` is
the only file that knows llama.cpp.
"""
