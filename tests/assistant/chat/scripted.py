"""An engine that answers from a script and keeps what it was asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from assistant.engine.interface import (
    Finished,
    GenerateRequest,
    ModelInfo,
    Segment,
    TextDelta,
    Usage,
)

CHATML = (
    "{% if tools %}<|im_start|>system\n# Tools: {% for tool in tools %}{{ tool | tojson }}"
    "{% endfor %} in <tool_call> tags<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }} "
    "{{ c.function.arguments | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_TOOLS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class ScriptedEngine:
    """Answers each request with the next text of its script, a few characters at a time."""

    def __init__(self, *script: str, template: str = CHATML, reason: str = "stop") -> None:
        self.script = list(script)
        self.requests: list[GenerateRequest] = []
        self.num_closed_early = 0
        self.reason = reason
        self.info = ModelInfo(
            name="scripted",
            path="",
            context_tokens=4096,
            chat_template=template,
            bos_text="",
            eos_text="<|im_end|>",
            special_texts=frozenset({"<|im_start|>", "<|im_end|>", "<tool_call>"}),
        )

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        self.requests.append(request)
        text = self.script.pop(0)
        is_whole = False
        try:
            for start in range(0, len(text), 5):
                yield TextDelta(text[start : start + 5])
            usage = Usage(self.count_tokens(request.prompt), 3, len(text), 0.01, 0.02)
            yield Finished(self.reason, usage)  # type: ignore[arg-type]
            is_whole = True
        finally:
            self.num_closed_early += not is_whole

    def count_tokens(self, prompt: Sequence[Segment]) -> int:
        return sum(len(segment.text) for segment in prompt)

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        return f"root ::= {schema}"

    async def aclose(self) -> None:
        pass

    def prompt_text(self, number: int = -1) -> str:
        """The whole prompt of a request."""
        return "".join(segment.text for segment in self.requests[number].prompt)
