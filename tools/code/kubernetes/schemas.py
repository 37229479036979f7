"""Objects against the API's own schemas, of the version that is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from tools.code.kubernetes.objects import Object
from tools.code.report import Problem
from tools.code.running import CheckerUnavailable

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

TOOL = "kubernetes-validate"
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_API_VERSION = re.compile(r"(?:[a-z0-9.-]+/)?v[0-9a-z]+")
_MAX_ERRORS = 20
_MAX_MESSAGE_CHARS = 200
# Groups of the API itself; an object of another group is defined by the cluster.
_OWN_GROUPS = re.compile(r"v1$|(apps|batch|autoscaling|policy|extensions)/|[a-z.]+\.k8s\.io/")
_FOREIGN = re.compile(r"(gateway\.networking|metrics|snapshot\.storage|cluster\.x|x-k8s|kustomize)")


class NoSchema(Exception):
    """An object of a kind or version that the API's schemas do not have."""


def newest_version() -> str:
    """The newest version of Kubernetes whose schemas are here ("1.37")."""
    from kubernetes_validate.utils import latest_version  # type: ignore[import-untyped]

    return ".".join(str(latest_version()).split(".")[:2])


def schema_problems(one: Object, version: str) -> Iterator[Problem]:
    """Where the object does not fit its schema; raises NoSchema or CheckerUnavailable."""
    validator = _validator(one.kind, str(one.get("apiVersion")), version)
    errors = sorted(
        validator.iter_errors(one.value), key=lambda error: list(map(str, error.absolute_path))
    )
    for error in errors[:_MAX_ERRORS]:
        yield _problem(error, one)


def _validator(kind: str, api_version: str, version: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    if not _KIND.fullmatch(kind) or not _API_VERSION.fullmatch(api_version):
        raise NoSchema
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    schema = _contents(f"{kind.lower()}-{group}.json", version)
    if schema is None:
        raise NoSchema
    definitions = Resource.from_contents(_contents("_definitions.json", version) or {})
    registry = definitions @ Registry()
    return Draft202012Validator(schema, registry=registry)


@cache
def _contents(name: str, version: str) -> Mapping[str, Any] | None:
    """A schema of the version; None where it has none of that name."""
    from kubernetes_validate.utils import (
        InvalidSchemaError,
        VersionNotSupportedError,
        schema_contents,
    )

    try:
        path = f"kubernetes-json-schema/v{version}.0-local-strict/{name}"
        contents: Mapping[str, Any] = schema_contents(path, version)
    except FileNotFoundError:
        return None
    except (VersionNotSupportedError, InvalidSchemaError) as error:
        raise CheckerUnavailable(f"has no schemas of Kubernetes {version}") from error
    return contents


def is_of_the_api(api_version: str) -> bool:
    """Whether the group is the API's own, so that a missing schema means a wrong object."""
    return bool(_OWN_GROUPS.match(api_version)) and not _FOREIGN.search(api_version)


def _problem(error: ValidationError, one: Object) -> Problem:
    path = list(error.absolute_path)
    extra = _extra_key(error)
    line = one.line_of(*path, *([extra] if extra else []))
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(
        "."
    )
    message = f"{where}: {_message(error)}" if where else _message(error)
    return Problem(line, None, "error", "schema", message[:_MAX_MESSAGE_CHARS], TOOL)


def _extra_key(error: ValidationError) -> str:
    found = re.search(r"\('([^']+)' (?:was|were) unexpected\)", error.message)
    return found[1] if found and error.validator == "additionalProperties" else ""


def _message(error: ValidationError) -> str:
    """The message in the API's words, without the whole object that it is about."""
    if extra := _extra_key(error):
        return f"there is no field {extra}"
    if error.validator == "required":
        return error.message.replace("is a required property", "is missing")
    if error.validator == "type":
        expected = error.validator_value
        names = expected if isinstance(expected, list) else [expected]
        wanted = " or ".join(str(one) for one in names if one != "null")
        return f"is {str(error.instance)[:60]!r}, and must be of type {wanted}"
    if error.validator in ("anyOf", "oneOf") and error.context:
        return _message(error.context[0])
    return error.message
