"""The OpenAPI document as one page: plain HTML without scripts, so that it works under our Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_PREFACE = (
    "<p>Every request needs the token: <code>Authorization: Bearer TOKEN</code>. Errors are "
    "<code>{&quot;error&quot;, &quot;hint&quot;}</code>. The same as a document: "
    '<a href="/openapi.json">openapi.json</a>.</p>'
)
_HEAD = "<thead><tr><th>Request</th><th>What it does</th><th>Asks</th><th>Answers</th></tr></thead>"
_METHODS = ("get", "post", "put", "delete")


def page(document: Mapping[str, Any]) -> str:
    """HTML for an OpenAPI 3.1 ``document``."""
    info = document["info"]
    schemas = document.get("components", {}).get("schemas", {})
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(info['title'])} API</title>",
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark light">',
        '<link rel="stylesheet" href="/reference.css"></head><body><main>',
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('summary', ''))}</p>",
        _PREFACE,
        *_routes(document["paths"]),
        "<h2>Values</h2>",
        *(_schema(name, schema) for name, schema in sorted(schemas.items()) if not name.endswith("ValidationError")),
        "</main></body></html>",
    ]
    return "\n".join(parts)


def _routes(paths: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2>Routes</h2><table>{_HEAD}<tbody>"
    for path, item in paths.items():
        for method in _METHODS:
            if method in item:
                route = item[method]
                yield (
                    f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{escape(route.get('summary', ''))}</td>"
                    f"<td>{_asked(route)}</td><td>{_answered(route)}</td></tr>"
                )
    yield "</tbody></table>"


def _asked(route: Mapping[str, Any]) -> str:
    words = []
    for parameter in route.get("parameters", ()):
        if parameter["in"] != "path":
            words.append(f"<code>{escape(parameter['name'])}</code> ({parameter['in']}): {_type(parameter['schema'])}")
    content = route.get("requestBody", {}).get("content", {})
    words += [_type(body["schema"]) for body in content.values()]
    return "<br>".join(words)


def _answered(route: Mapping[str, Any]) -> str:
    words = []
    for status, answer in route.get("responses", {}).items():
        if status.startswith("2"):
            kinds = [_type(body["schema"]) for body in answer.get("content", {}).values() if body.get("schema")]
            words.append(" ".join(kinds) or ("nothing" if status == "204" else "bytes, or text"))
    return "<br>".join(words)


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_type(of)}</td><td>{_remark(of)}</td></tr>"
        for field, of in schema.get("properties", {}).items()
    )
    choices = ", ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", ()))
    text = escape(str(schema.get("description", "")).partition("\n\n")[0])
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{text} {choices}</p>' + (f"<table>{rows}</table>" if rows else "")


def _remark(schema: Mapping[str, Any]) -> str:
    default = f"default {escape(str(schema['default']))}" if schema.get("default") is not None else ""
    return "; ".join(filter(None, (escape(schema.get("description", "")), default)))


def _type(schema: Mapping[str, Any]) -> str:
    """A type in words, linked to where it is described."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    kind = escape(str(schema.get("type", "anything")))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return {"null": "nothing", "object": "object", "integer": "int", "number": "number", "boolean": "true or false"}.get(
        kind, kind
    )
