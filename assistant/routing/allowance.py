"""`Allowance`: one named model's budget, for code on the event loop."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from assistant.errors import DataFolderError
from assistant.routing.budget import Budgets, Limits

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What `model` may still be asked today. A budget that cannot be read allows nothing."""

    model: str
    limits: Limits
    budgets: Budgets

    async def objection(self) -> str:
        """Why it may not be asked now; empty where it may."""
        try:
            spent = await asyncio.to_thread(self.budgets.spent, self.model)
        except DataFolderError as error:
            return error.message
        return self.limits.objection(spent)

    async def take(self) -> str:
        """Count a request; else why it may not be made."""
        try:
            return await asyncio.to_thread(self.budgets.take, self.model, self.limits)
        except DataFolderError as error:
            return error.message

    async def spend(self, prompt_tokens: int, answer_tokens: int) -> None:
        """Count the tokens of a request that was made."""
        try:
            await asyncio.to_thread(self.budgets.spend, self.model, prompt_tokens, answer_tokens)
        except DataFolderError as error:
            # The answer is there; the next request finds the same fault, and is not made.
            _log.warning(
                "%d tokens of %s were not counted: %s",
                prompt_tokens + answer_tokens,
                self.model,
                error.message,
            )
