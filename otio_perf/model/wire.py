"""Values ⇄ JSON, with a schema version. Never pickle.

``to_json`` / ``from_json`` know every frozen dataclass of ``otio_perf.model``; ``Fraction`` is written as ``"24000/1001"``,
enums as their value, and a union as the value with its class name under ``"type"``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from enum import Enum
from fractions import Fraction
from typing import Any, TypeVar

SCHEMA_VERSION = 1
T = TypeVar("T")


def dumps(value: object) -> str:
    """JSON text of a value, with ``schema_version``."""
    return json.dumps({"schema_version": SCHEMA_VERSION, "value": to_json(value)})


def loads(cls: type[T], text: str | bytes) -> T:
    """The value that ``dumps`` wrote. :raises ValueError: damaged, or of another schema version."""
    try:
        document = json.loads(text)
        if document["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema version {document['schema_version']}, this program reads {SCHEMA_VERSION}")
        value: T = from_json(cls, document["value"])
        return value
    except (KeyError, TypeError, RecursionError) as e:
        raise ValueError(f"not a {getattr(cls, '__name__', cls)}: {e}") from e


def to_json(value: Any) -> Any:
    """Plain dicts, lists, strings and numbers for ``value``."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Fraction):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        body = {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **body}
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    return [to_json(v) for v in value]


def from_json(annotation: Any, data: Any) -> Any:
    """The value of type ``annotation`` that ``to_json`` turned into ``data``. :raises ValueError, TypeError, KeyError"""
    origin = typing.get_origin(annotation)
    if annotation is Any:
        return tuple(from_json(Any, v) for v in data) if isinstance(data, list) else data
    if origin in (types.UnionType, typing.Union):
        return _from_union(typing.get_args(annotation), data)
    if origin is tuple:
        args = typing.get_args(annotation)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(from_json(args[0], v) for v in _of_type(list, data))
        return tuple(from_json(a, v) for a, v in zip(args, _of_type(list, data), strict=True))
    if origin is dict:
        value_type = typing.get_args(annotation)[1]
        return {k: from_json(value_type, v) for k, v in _of_type(dict, data).items()}
    if origin is not None and issubclass(origin, typing.Sequence):
        return tuple(from_json(typing.get_args(annotation)[0], v) for v in _of_type(list, data))
    if annotation is Fraction:
        return _fraction(data)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        hints = _hints(annotation)
        return annotation(**{k: from_json(hints[k], v) for k, v in _of_type(dict, data).items() if k != "type"})
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation(data)
    if annotation is float and isinstance(data, int):
        return float(data)
    return _of_type(annotation, data)


def _of_type(wanted: Any, data: Any) -> Any:
    if not isinstance(data, wanted):
        raise TypeError(f"{data!r} is not a {wanted.__name__}")
    return data


def _fraction(data: Any) -> Fraction:
    try:
        return Fraction(data)
    except ArithmeticError as e:  # "1/0", Infinity
        raise ValueError(f"{data!r} is not a fraction") from e


def _from_union(args: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    choices = [a for a in args if a is not type(None)]
    if len(choices) == 1:
        return from_json(choices[0], data)
    for choice in choices:
        if isinstance(data, dict) and data.get("type") == getattr(choice, "__name__", ""):
            return from_json(choice, data)
    raise ValueError(f"none of {[getattr(c, '__name__', c) for c in choices]}: {data!r}")


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)
