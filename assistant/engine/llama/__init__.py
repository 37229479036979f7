"""llama.cpp behind a few calls: the only package that imports `llama_cpp`.

`model` loads a GGUF file and decodes steps of many sequences, `vocabulary` turns text into tokens
and back, `grammar` compiles grammars. What to decode and when is the engine's business.
"""

from assistant.engine.llama.model import LlamaModel

__all__ = ["LlamaModel"]
