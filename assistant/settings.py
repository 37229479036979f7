"""Settings: one frozen object, read once at the edge and passed in.

Precedence: flag > environment (`MIDWATCH_MODEL_NAME` is `[model] name`) > the file of `--config` or
`$MIDWATCH_CONFIG` > `./midwatch.toml` > `$XDG_CONFIG_HOME/midwatch/midwatch.toml` > defaults. Each
file overrides those below it key by key. What is unknown or of the wrong form is refused by name.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from assistant.errors import SettingsError
from assistant.models.adapters import parse_adapter
from tools.errors import InvalidQuery
from tools.window import parse_duration

ENVIRONMENT_PREFIX = "MIDWATCH_"
CONFIG_VARIABLE = "MIDWATCH_CONFIG"
TOKEN_VARIABLE = "MIDWATCH_TOKEN"
FILE_NAME = "midwatch.toml"


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except InvalidQuery as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    return text


def _adapter(text: str) -> str:
    parse_adapter(text)
    return text


def _checked_by(parse: Callable[[tuple[str, ...]], object]) -> AfterValidator:
    """Refuses entries that `parse` refuses, in its words."""

    def check(entries: tuple[str, ...]) -> tuple[str, ...]:
        try:
            parse(entries)
        except (InvalidQuery, SettingsError) as error:
            raise ValueError(f"{error.message}; {error.hint}") from error
        return entries

    return AfterValidator(check)


def _probe_targets(entries: tuple[str, ...]) -> object:
    from tools.probes.allow import AllowList

    return AllowList.parse(entries)


def _permits(entries: tuple[str, ...]) -> object:
    from tools.services.permits import Permits

    return Permits.parse(entries)


def _protections(entries: tuple[str, ...]) -> object:
    from tools.services.permits import Permits

    return Permits.parse((), entries)


def _deciders(entries: tuple[str, ...]) -> object:
    from assistant.approvals.policy import Policy

    return Policy.parse(allow=entries)


def _actions(entries: tuple[str, ...]) -> object:
    from assistant.approvals.policy import Policy

    return Policy.parse(two_person=entries)


def _expressions(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return patterns


def _server_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must be a server's address, like http://host:8000")
    # It is shown in errors.
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be an address alone; a token goes into an environment variable")
    return text


def _addresses(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if not isinstance(value, str) and ("" in value or len(set(value)) < len(value)):
        raise ValueError("must name each server once, and none of them by nothing")
    return value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]
Duration = Annotated[str, AfterValidator(_duration)]
AdapterText = Annotated[str, AfterValidator(_adapter)]
ServerUrl = Annotated[str, AfterValidator(_server_url)]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9._]{0,63}$")]
Price = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Similarity = Annotated[float, Field(ge=0.0, le=1.0)]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Share = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Addresses = Annotated[str | tuple[str, ...], AfterValidator(_addresses)]
ServerUrls = Annotated[ServerUrl | tuple[ServerUrl, ...], AfterValidator(_addresses)]
# TOML has no null: an empty string is how a file leaves a key unset.
_EMPTY_IS_UNSET = BeforeValidator(_none_if_empty)


def listed(addresses: str | tuple[str, ...]) -> tuple[str, ...]:
    """The addresses as a list, whichever way they were written."""
    return ((addresses,) if addresses else ()) if isinstance(addresses, str) else addresses


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        # A traceback shows pydantic's own message, and the input may be a secret.
        hide_input_in_errors=True,
    )


class ModelSettings(_Section):
    """The model that answers."""

    name: str = "qwen2.5-coder-1.5b"
    """A name from `midwatch model list`, the path of a GGUF file, or the server's model name."""
    provider: Literal["local", "openai"] = "local"
    """`local` runs llama.cpp in this process; `openai` asks an OpenAI-compatible server."""
    dir: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """Where model files are kept; unset: `models` in the data folder."""
    base_url: Addresses = ""
    """The server's address, with its `/v1`; needed for `openai`. Those of a list share the load."""
    api_key_env: str = ""
    """The environment variable that holds the server's key; empty when it wants none."""
    context_tokens: int = Field(default=8192, ge=1024)
    """The size of the context in tokens."""
    threads: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Threads for the model; `auto` takes the cores that this process may use."""
    cache_tokens: Annotated[int, Field(ge=1024)] | Literal["auto"] = "auto"
    """The KV cache that all requests share, in tokens; `auto`: twice the context if it fits."""
    kv_type: Literal["f16", "q8_0"] = "f16"
    """How the KV cache is stored; `q8_0` takes half the memory and is slower at prompts."""
    flash_attention: bool = True
    """Whether attention is computed in one pass over the cache; `q8_0` needs it."""
    gpu_layers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """Layers on the GPU; `auto`: as many as its free memory holds. Too many are the same as all."""
    tensor_split: Annotated[tuple[Share, ...], Field(max_length=16)] = ()
    """Each GPU's share of the layers, like `[3, 1]`; empty: by free memory."""
    light: str = ""
    """A second, small model that gives sessions their titles: a name or a path; empty: none."""
    adapters: Annotated[tuple[AdapterText, ...], BeforeValidator(_as_list)] = ()
    """LoRA adapters of the model, GGUF files: `["a.gguf", "b.gguf=0.5"]`, the number its scale."""
    speculation: bool = False
    """Guess the next tokens from the prompt, and check several in one step."""
    snapshot_mib: int = Field(default=256, ge=0)
    """Disk space for computed prefixes, which make a start quicker, in MiB; 0 keeps none."""
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    """0 always takes the most likely token, so that an answer can be repeated."""
    max_answer_tokens: int = Field(default=320, ge=32)
    """The longest answer, in tokens."""

    @property
    def base_urls(self) -> tuple[str, ...]:
        """The addresses of all servers; none when `base_url` is not set."""
        return listed(self.base_url)

    @field_validator("cache_tokens")
    @classmethod
    def _cache_holds_a_request(cls, value: int | str, info: ValidationInfo) -> int | str:
        context = info.data.get("context_tokens", 0)
        if isinstance(value, int) and value < context:
            raise ValueError(f"must be at least context_tokens, which is {context}")
        return value

    @field_validator("flash_attention")
    @classmethod
    def _quantized_cache_has_it(cls, value: bool, info: ValidationInfo) -> bool:
        kv_type = info.data.get("kv_type", "f16")
        if not value and kv_type != "f16":
            raise ValueError(f"must be true, because kv_type is {kv_type}")
        return value


class NamedModel(_Section):
    """A model besides that of `[model]`, which gives what is not set here."""

    name: Annotated[str, Field(min_length=1)]
    """A name from `midwatch model list`, the path of a GGUF file, or the server's model name."""
    provider: Literal["local", "openai"] = "openai"
    """`local` runs llama.cpp in this process; `openai` asks an OpenAI-compatible server."""
    base_url: ServerUrls = Field(default="", validate_default=True)
    """The server's address, with its `/v1`; needed for `openai`. Those of a list share the load."""
    api_key_env: str = ""
    """The environment variable that holds the server's key; empty when it wants none."""
    max_answer_tokens: Annotated[int, Field(ge=32)] | None = None
    """The longest answer, in tokens; unset: as in `[model]`."""
    requests_per_day: Annotated[int, Field(ge=1)] | None = None
    """How many requests it may get in a day (UTC) from all processes; unset: any number."""
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    """After how many tokens, of prompts and answers, it gets no more requests that day."""
    cost_per_day: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """After what cost, by its prices, it gets no more requests that day."""
    prompt_price: Price = 0.0
    """What a million tokens of prompts cost."""
    answer_price: Price = 0.0
    """What a million tokens of answers cost."""

    @field_validator("base_url")
    @classmethod
    def _server_has_an_address(cls, value: Any, info: ValidationInfo) -> Any:
        if not value and info.data.get("provider") == "openai":
            raise ValueError("base_url must be the server's address, because provider is openai")
        return value

    @field_validator("requests_per_day", "tokens_per_day", "cost_per_day")
    @classmethod
    def _own_machine_is_free(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("provider") == "local":
            raise ValueError("is for a server; a local model has no budget")
        return value


class RoutingSettings(_Section):
    """Which model does which work. What no rule names is work of `[model]`."""

    models: dict[ModelName, NamedModel] = Field(default_factory=dict)
    """More models by name: `[routing.models.big]` with its `name`, `base_url`, `api_key_env`."""
    deep: str = ""
    """The model that answers what is asked with `--deep`; empty: none."""
    low_confidence: str = ""
    """The model that looks again at what the first answer is not sure of; empty: none."""
    alerts: dict[str, str] = Field(default_factory=dict)
    """The model for alerts of a severity: `alerts = {critical = "big"}`."""
    remote_consent: bool = False
    """Whether `models` on other machines may be asked: redacted text leaves this one then."""

    @field_validator("deep", "low_confidence")
    @classmethod
    def _rule_names_a_model(cls, value: str, info: ValidationInfo) -> str:
        _refuse_unknown_model(value, info)
        return value

    @field_validator("alerts")
    @classmethod
    def _rules_name_models(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for name in value.values():
            _refuse_unknown_model(name, info)
        return value


def _refuse_unknown_model(name: str, info: ValidationInfo) -> None:
    """Refuses a rule's model that has no table; where the tables are wrong, that is said first."""
    models = info.data.get("models")
    if name and models is not None and name not in models:
        raise ValueError(f"{name!r} has no table [routing.models.{name}]")


class KnowledgeSettings(_Section):
    """The runbooks that were ingested."""

    min_score: Annotated[Similarity | None, _EMPTY_IS_UNSET] = None
    """Similarity below which a passage is no answer; unset takes the calibrated default."""
    chroma_url: ServerUrl = ""
    """A Chroma server that several machines share, like `http://host:8000`; empty: none."""
    chroma_token_env: str = ""
    """The environment variable that holds that server's bearer token; empty when it wants none."""


class LogsSettings(_Section):
    """The logs that may be read."""

    sources: dict[str, Patterns] = Field(default_factory=dict)
    """Log files by name: `checkout = "/var/log/checkout/*.log"`, or a list of such patterns."""
    window: Duration = "1h"
    """How far back to look in live logs when the question names no time."""
    journal: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Units of systemd's journal, names or patterns: `["nginx", "shop-*"]`; `*` for all."""
    docker: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Containers of the Docker engine, names or patterns; `*` for all."""
    fetch_timeout_s: float = Field(default=20.0, gt=0.0, le=300.0)
    """How long reading the journal, containers and pods may take."""


class ServicesSettings(_Section):
    """The service managers, and what may be done to services once a person has agreed."""

    supervisor: Annotated[SecretStr | None, _EMPTY_IS_UNSET] = None
    """Supervisor's address: `unix:///run/supervisor.sock` or `http://user:password@host:9001`."""
    depends_on: dict[str, Patterns] = Field(default_factory=dict)
    """What each service needs: `checkout = ["payments", "postgres"]`; the cause is often there."""
    systemd: Patterns = ()
    """Units of systemd, names or patterns, whose states are looked at: `["nginx", "shop-*"]`."""
    systemd_user: Patterns = ()
    """The same of the user's own systemd (`systemctl --user`)."""
    docker: Patterns = ()
    """Containers of the Docker engine, names or patterns; `*` for all."""
    kubernetes: bool = False
    """Whether workloads of `[kubernetes] namespaces` are services, too."""
    allow: Annotated[Patterns, _checked_by(_permits)] = ()
    """What may be proposed: `"supervisor:web"`, `"kubernetes:prod/deployment/*:restart,scale"`."""
    protected: Annotated[Patterns, _checked_by(_protections)] = ()
    """Services that are never acted on, whatever `allow` says: `["postgres*"]`."""
    cooldown: Duration = "5m"
    """The least time between two actions on the same service."""
    watch_s: float = Field(default=5.0, ge=0.0, le=600.0)
    """How long a service is watched for staying up, after it was acted on."""
    max_per_service_hour: int = Field(default=3, ge=1)
    """How many actions one service may see within an hour."""
    max_per_hour: int = Field(default=10, ge=1)
    """How many actions all services together may see within an hour."""
    max_replicas: int = Field(default=20, ge=1, le=1000)
    """To how many replicas a service may be scaled."""


class KubernetesSettings(_Section):
    """The pods whose logs and states may be read."""

    namespaces: Annotated[tuple[Namespace, ...], BeforeValidator(_as_list)] = ()
    """The namespaces to look at; none: no cluster is asked."""
    selector: str = ""
    """Only pods with these labels: `app=shop,tier!=test`."""
    context: str = ""
    """A context of the kubeconfig; empty: the current one, or the cluster that midwatch runs in."""
    kubeconfig: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """The kubeconfig file; unset: `$KUBECONFIG` or `~/.kube/config`."""


class MetricsSettings(_Section):
    """The metrics that may be read."""

    prometheus: ServerUrl = ""
    """A server with Prometheus' HTTP API, like `http://prometheus:9090`; empty: none."""
    token_env: str = ""
    """The environment variable that holds its bearer token; empty when it wants none."""
    user: str = ""
    """The user's name, where it wants one with a password."""
    password_env: str = ""
    """The environment variable that holds the password; empty when it wants none."""
    tenant: str = ""
    """Sent as `X-Scope-OrgID`, to servers that keep several tenants apart."""
    ca_file: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """A certificate authority to trust besides the machine's."""
    timeout_s: float = Field(default=10.0, gt=0.0, le=120.0)
    """How long a look at the metrics may take in all."""


class ProbesSettings(_Section):
    """Requests to servers, to see whether they answer. Off until `allow` names targets."""

    allow: Annotated[Patterns, _checked_by(_probe_targets)] = ()
    """Where probes may go: `"api.internal:8443"`, `"*.shop.internal"`, `"10.1.0.0/16:5432"`."""
    checks: dict[str, str] = Field(default_factory=dict)
    """Probes of every first look: `api = "https://api.internal:8443/health"`."""
    timeout_s: float = Field(default=3.0, gt=0.0, le=30.0)
    """How long one probe may take."""
    ca_file: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """A certificate authority to trust besides the machine's."""


class HostSettings(_Section):
    """The machine that midwatch runs on."""

    look: bool = True
    """Whether a live question looks at its memory, load, disks, processes and kernel log."""


class AgentSettings(_Section):
    """How a question is worked on."""

    strategy: Literal["auto", "bounded", "free"] = "auto"
    """`bounded` for small models, `free` for large ones; `auto`: `bounded` on a local model."""
    max_drilldowns: int = Field(default=1, ge=0, le=2)
    """How often the model may look closer before it answers."""
    instructions: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """A text file of the team's own rules, one to a line; an answer quotes those that fit it."""


class ApprovalsSettings(_Section):
    """Who may agree to an action. Nothing is done before somebody has."""

    allow: Annotated[Patterns, _checked_by(_deciders)] = ("cli:*:*", "tui:*:*")
    """`front:who:action`, like `"slack:@oncall:restart_*"`; who is a name, a `@group` or `*`."""
    two_person: Annotated[Patterns, _checked_by(_actions)] = ()
    """Actions that two different people have to agree to: `["scale_service", "delete_*"]`."""
    expires: Duration = "15m"
    """How long a proposal can be decided."""


class RedactionSettings(_Section):
    """Secrets are replaced before a model, a front, a log or the audit sees them."""

    emails: bool = False
    """Whether e-mail addresses are replaced, too."""
    addresses: bool = False
    """Whether IP addresses are replaced, too."""
    patterns: Annotated[Patterns, AfterValidator(_expressions)] = ()
    """Regular expressions of your own secrets; of one with a group, the group is the secret."""


class AuditSettings(_Section):
    """The record of what was asked for, agreed to and done."""

    dir: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """Where it is kept; unset: `audit` in the data folder."""


class ServerSettings(_Section):
    """`midwatch serve`, and how the other commands find it."""

    url: ServerUrl = ""
    """A server on another machine that commands use, like `https://midwatch.internal:8443`."""
    token_env: str = TOKEN_VARIABLE
    """The environment variable that holds the token for that server."""
    ca_file: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """A certificate authority to trust for that server, besides the machine's."""
    socket: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """The Unix socket that `serve` listens on; unset: `server.sock` in the data folder."""
    listen: Annotated[str, Field(pattern=r"^$|^(\[[0-9a-fA-F:.]+\]|[^:\s]+):\d{1,5}$")] = ""
    """An address that `serve` listens on besides, for callers with a token: `0.0.0.0:8443`."""
    tls_certificate: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """The certificate for `listen`, a PEM file with its chain."""
    tls_key: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """The certificate's key, a PEM file."""
    tokens_env: str = ""
    """The environment variable with tokens that replicas share; `tokens create --shared`."""
    drain: Duration = "60s"
    """How long running turns may go on when the server is to end."""
    uploads_dir: Annotated[Folder | None, _EMPTY_IS_UNSET] = None
    """Where those files are kept, one folder for all replicas; unset: in the data folder."""
    max_upload_mib: int = Field(default=256, ge=1)
    """How large a file may be that a client sends with a question, in MiB."""
    max_turns_per_user: int = Field(default=0, ge=0)
    """How many questions of one person are worked on at once; 0: any number."""
    max_turns_per_minute_user: int = Field(default=0, ge=0)
    """How many questions one person may ask in a minute; 0: any number."""
    max_turns_per_hour_user: int = Field(default=0, ge=0)
    """How many questions one person may ask in an hour; 0: any number."""
    max_tokens_per_day_user: int = Field(default=0, ge=0)
    """How many tokens one person's questions may take in a day; 0: any number."""
    max_alerts_per_minute: int = Field(default=0, ge=0)
    """How many alerts may be looked into in a minute; they count apart; 0: any number."""


class AnswersSettings(_Section):
    """Answers that are given again when the same is asked of the same evidence."""

    cache: bool = True
    """Whether they are."""
    max_mib: int = Field(default=64, ge=1)
    """How much disk space they may take, in MiB."""
    max_age: Duration = "1d"
    """For how long; those about live systems for a minute at most."""


class TelemetrySettings(_Section):
    """What a server tells of itself besides its metrics."""

    otlp: ServerUrl = ""
    """A collector of OpenTelemetry traces (gRPC), like `http://collector:4317`; empty: none."""


class DataSettings(_Section):
    """Where midwatch keeps its own files."""

    dir: Folder = Field(default_factory=lambda: Path(platformdirs.user_data_dir("midwatch")))
    """Sessions, the knowledge base and models (created for this user only)."""
    postgres_env: str = ""
    """The environment variable with a PostgreSQL's address, where replicas share sessions."""


class Settings(_Section):
    """All settings. Frozen; made once and passed in."""

    model: ModelSettings = Field(default_factory=ModelSettings)
    knowledge: KnowledgeSettings = Field(default_factory=KnowledgeSettings)
    logs: LogsSettings = Field(default_factory=LogsSettings)
    services: ServicesSettings = Field(default_factory=ServicesSettings)
    kubernetes: KubernetesSettings = Field(default_factory=KubernetesSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    probes: ProbesSettings = Field(default_factory=ProbesSettings)
    host: HostSettings = Field(default_factory=HostSettings)
    agent: AgentSettings = Field(default_factory=AgentSettings)
    routing: RoutingSettings = Field(default_factory=RoutingSettings)
    approvals: ApprovalsSettings = Field(default_factory=ApprovalsSettings)
    redaction: RedactionSettings = Field(default_factory=RedactionSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    answers: AnswersSettings = Field(default_factory=AnswersSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    data: DataSettings = Field(default_factory=DataSettings)


@dataclass(frozen=True, slots=True)
class Source:
    """Where settings come from: a file, the environment or the command line."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, and the name of the source that gave each key (`model.name`)."""

    settings: Settings
    origins: Mapping[str, str]
    files: tuple[Path, ...]


def load_settings(
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> LoadedSettings:
    """Read and merge all sources.

    `flags` holds dotted keys (`{"model.name": "…"}`); relative paths in `folder` (default: the
    working folder) are looked up there. Raises SettingsError.
    """
    files = config_files(config=config, environment=environment, folder=folder)
    sources = [Source(str(path), _read_file(path)) for path in files]
    sources.append(Source("the environment", dict(_from_environment(environment))))
    sources.append(Source("the command line", _nested(flags or {})))
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source in sources:
        _refuse_unknown(source)
        for key, value in _flat(source.values):
            _put(merged, key, value)
            origins[key] = source.name
    return LoadedSettings(_validated(merged, origins), origins, tuple(files))


def config_files(
    *, config: Path | None, environment: Mapping[str, str], folder: Path | None = None
) -> list[Path]:
    """The settings files that exist, weakest first. Raises SettingsError for a named one that does
    not exist."""
    variable = environment.get(CONFIG_VARIABLE)
    named = config or (Path(variable) if variable else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"there is no settings file {named}", "write one: midwatch config init")
    candidates = [user_config_file(environment), (folder or Path.cwd()) / FILE_NAME]
    found = [path for path in candidates if path.is_file()]
    return [*found, named] if named is not None else found


def user_config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's own settings file, whether or not it exists."""
    home = environment.get("XDG_CONFIG_HOME")
    base = Path(home) / "midwatch" if home else Path(platformdirs.user_config_dir("midwatch"))
    return base / FILE_NAME


def fingerprint(settings: Settings) -> str:
    """A digest of what answers depend on: two processes that have the same one answer alike."""
    told = settings.model_dump(mode="json", exclude={"answers", "server", "telemetry"})
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def known_keys() -> dict[str, str]:
    """Every dotted key with its documentation, in the order of the reference."""
    return {
        f"{section}.{key}": field.description or ""
        for section, section_field in Settings.model_fields.items()
        for key, field in _section_type(section_field.annotation).model_fields.items()
    }


def reference_toml() -> str:
    """A settings file with every key, its meaning and its default, all commented out."""
    lines = [
        "# Settings of midwatch. Every key is here with its default; take away a # to change one.",
        "# A flag or an environment variable (MIDWATCH_SECTION_KEY) wins over this file.",
    ]
    defaults = Settings()
    for section, section_field in Settings.model_fields.items():
        lines += ["", f"[{section}]"]
        values = getattr(defaults, section)
        for key, field in _section_type(section_field.annotation).model_fields.items():
            lines += [f"# {field.description}", f"# {key} = {_toml(getattr(values, key))}"]
    return "\n".join(lines) + "\n"


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as plain values, secrets masked."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    return values


def _toml(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, dict):
        return "{}"
    return json.dumps(str(value) if isinstance(value, Path) else value)


def _section_type(annotation: Any) -> type[BaseModel]:
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}", "correct the line named"
        ) from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sections from variables. A value that is a JSON list or object is taken as such."""
    variables = {_variable(key): key for key in known_keys()}
    sections: dict[str, dict[str, Any]] = {}
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in (CONFIG_VARIABLE, TOKEN_VARIABLE):
            continue
        if name not in variables:
            raise SettingsError(f"unknown variable {name}", _did_you_mean(name, variables))
        section, key = variables[name].split(".")
        sections.setdefault(section, {})[key] = _parsed(text)
    yield from sections.items()


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.replace(".", "_").upper()


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # Numbers are read by the field that they are for: a model may be called 7.
    return value if isinstance(value, list | dict) else text


def _nested(flags: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flags.items():
        if value is not None:
            _put(nested, key, value)
    return nested


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, keys in values.items():
        for key, value in keys.items():
            yield f"{section}.{key}", value


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    section, name = key.split(".", 1)
    target.setdefault(section, {})[name] = value


def _refuse_unknown(source: Source) -> None:
    known = known_keys()
    sections = {key.split(".")[0] for key in known}
    for section, keys in source.values.items():
        if section not in sections:
            raise SettingsError(
                f"unknown section [{section}] in {source.name}", _did_you_mean(section, sections)
            )
        if not isinstance(keys, Mapping):
            raise SettingsError(f"{section} in {source.name} must be a section: [{section}]")
        for key in keys:
            if f"{section}.{key}" not in known:
                names = [k.split(".")[1] for k in known if k.startswith(f"{section}.")]
                raise SettingsError(
                    f"unknown key {key!r} in [{section}] of {source.name}",
                    _did_you_mean(key, names),
                )


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else "known: " + ", ".join(sorted(known))


def _validated(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        path = _path_in(values, first["loc"])
        key = ".".join(path[:2])
        # What stands in or beside an unknown key may be anything.
        is_hidden = first["type"] in ("extra_forbidden", "missing") or _is_secret(*path[:2])
        given = "(hidden)" if is_hidden else repr(first["input"])
        raise SettingsError(
            f"{'.'.join(path)} = {given} in {origins.get(key, 'the defaults')}: " + _said_of(first),
            known_keys().get(key, ""),
        ) from error


def _said_of(error: ErrorDetails) -> str:
    """What is wrong, in pydantic's words or our own."""
    if error["type"] == "missing":
        return f"{error['loc'][-1]} is missing"
    if error["type"] == "extra_forbidden":
        return "there is no such key"
    return error["msg"].removeprefix("Value error, ")


def _path_in(values: Mapping[str, Any], location: Sequence[str | int]) -> list[str]:
    """The keys of `values` that `location` leads through; it goes on into unions and lists."""
    path: list[str] = []
    value: Any = values
    for part in location:
        if not isinstance(value, Mapping) or part not in value:
            break
        path.append(str(part))
        value = value[part]
    return path


def _is_secret(section: str, key: str) -> bool:
    field = _section_type(Settings.model_fields[section].annotation).model_fields[key]
    return SecretStr in (field.annotation, *get_args(field.annotation))
