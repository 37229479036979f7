"""`Router`: the models of the settings, and the one that a turn is answered with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from assistant.engine.errors import EngineError
from assistant.errors import MidwatchError
from assistant.loading import LentModel, ModelOnDemand
from assistant.providers import open_local_model
from assistant.routing.allowance import Allowance
from assistant.routing.budget import Budgets, Limits
from assistant.routing.places import hosts_beyond
from assistant.routing.route import Route
from assistant.routing.rules import Rules, Work, choose
from assistant.settings import ModelSettings, NamedModel, Settings, listed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.chat.local import LocalChatModel
    from assistant.chat.remote import RemoteChatModel

Redact = Callable[[str], str]
Main = ModelOnDemand[Any] | LentModel[Any]
"""The model of `[model]`; its owner closes it."""
OpenLocal = Callable[[Settings], Coroutine[Any, Any, "LocalChatModel"]]


def rules_of(settings: Settings) -> Rules:
    """The rules of the settings."""
    routing = settings.routing
    return Rules(
        has_light=bool(settings.model.light),
        deep=routing.deep,
        low_confidence=routing.low_confidence,
        alerts=routing.alerts,
        hosts_beyond={name: _hosts(model) for name, model in routing.models.items()},
        has_consent=routing.remote_consent,
    )


def limits_of(model: NamedModel) -> Limits:
    """What `model` may be asked in a day."""
    return Limits(
        model.requests_per_day,
        model.tokens_per_day,
        model.cost_per_day,
        model.prompt_price,
        model.answer_price,
    )


def model_settings(base: ModelSettings, model: NamedModel) -> ModelSettings:
    """How `model` is opened: as its table says, and as `base` where that says nothing."""
    return base.model_copy(
        update={
            "name": model.name,
            "provider": model.provider,
            "base_url": model.base_url,
            "api_key_env": model.api_key_env,
            "max_answer_tokens": model.max_answer_tokens or base.max_answer_tokens,
            # Those of the main model alone.
            "adapters": (),
            "light": "",
        }
    )


def _hosts(model: NamedModel) -> tuple[str, ...]:
    return hosts_beyond(listed(model.base_url)) if model.provider == "openai" else ()


class Router:
    """The named models of one process, each opened when it is first wanted."""

    def __init__(
        self,
        settings: Settings,
        main: Main,
        redact: Redact,
        open_local: OpenLocal = open_local_model,
    ) -> None:
        self._settings = settings
        self._main = main
        self._rules = rules_of(settings)
        self._budgets = Budgets(settings.data.dir)
        self._named = {
            name: ModelOnDemand(partial(_open, settings, name, redact, open_local))
            for name in settings.routing.models
        }

    def turn(self, work: Work) -> TurnModel:
        """The model for one turn of `work`."""
        choice = choose(work, self._rules)
        main = self._settings.model
        beyond = hosts_beyond(main.base_urls) if main.provider == "openai" else ()
        if choice.role != "named":
            return TurnModel(Route(choice, main.name, beyond), self._main, None, None)
        table = self._settings.routing.models[choice.name]
        route = Route(choice, main.name, (*self._rules.hosts_beyond[choice.name], *beyond))
        allowance = Allowance(choice.name, limits_of(table), self._budgets)
        return TurnModel(route, self._main, self._named[choice.name], allowance)

    async def aclose(self) -> None:
        """Close the named models."""
        for model in self._named.values():
            await model.aclose()


async def _open(
    settings: Settings, name: str, redact: Redact, open_local: OpenLocal
) -> LocalChatModel | RemoteChatModel:
    wanted = model_settings(settings.model, settings.routing.models[name])
    if wanted.provider == "local":
        return await open_local(settings.model_copy(update={"model": wanted}))
    from assistant.chat.remote import open_remote_model

    section = f"routing.models.{name}"
    return await asyncio.to_thread(open_remote_model, wanted, redact, section=section)


class TurnModel:
    """The model of one turn: `get` is its `ModelSource`, `told` what its answer has to say."""

    def __init__(
        self, route: Route, main: Main, named: Main | None, allowance: Allowance | None
    ) -> None:
        self._route = route
        self._main = main
        self._named = named
        self._allowance = allowance
        self._ready: BaseChatModel | None = None

    @property
    def name(self) -> str:
        """The model that answers, as far as is known."""
        return self._route.model

    @property
    def is_named(self) -> bool:
        """Whether another model than that of `[model]` answers, as far as is known."""
        return not self._route.is_on_main

    def begin(self) -> None:
        """Begin to load it."""
        (self._named or self._main).begin()

    def told(self) -> str:
        """What the answer says of it: see `Route.told`."""
        return self._route.told()

    async def get(self) -> BaseChatModel:
        """The model, loaded. Raises what loading that of `[model]` fails with."""
        self._route.was_used = True
        if self._named is not None and not self._route.failure:
            self._ready = self._ready or await self._opened(self._named)
            if self._ready is not None:
                return self._ready
        return await self._main_model()

    async def _opened(self, named: Main) -> BaseChatModel | None:
        """The chosen model; None when it was given up."""
        try:
            model = await named.get()
        except (MidwatchError, EngineError) as error:
            self._route.fall_back(error.message)
            return None
        from assistant.chat.remote import RemoteChatModel

        if not isinstance(model, RemoteChatModel):
            local: BaseChatModel = model
            return local
        objection = await self._objection(model)
        if objection:
            # Known now, [model]'s own model can be asked in the way that suits it best.
            self._route.fall_back(objection)
            return None
        return self._routed(model, self._allowance, self._main_model)

    async def _objection(self, model: RemoteChatModel) -> str:
        """Why the server is not worth asking now; empty where it is."""
        assert self._allowance is not None
        if objection := await self._allowance.objection():
            return objection
        failure = await model.look()
        return f"{model.host} {failure.reason}" if failure is not None else ""

    async def _main_model(self) -> BaseChatModel:
        model: BaseChatModel = await self._main.get()
        from assistant.chat.remote import RemoteChatModel

        is_remote = isinstance(model, RemoteChatModel)
        return self._routed(model, None, None) if is_remote else model

    def _routed(self, model: Any, allowance: Allowance | None, stand_in: Any) -> BaseChatModel:
        from assistant.chat.routed import RoutedChatModel

        return RoutedChatModel(
            chosen=model, route=self._route, allowance=allowance, stand_in=stand_in
        )
