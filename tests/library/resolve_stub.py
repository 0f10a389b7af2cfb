"""DaVinci Resolve's scripting API as its published type stubs say it is (``fusionscript-stubs``): what may be called, with
what, and what a call answers that fails. Nothing of it is written down here; it is read from the stub each time.

Objects are as strict as Resolve's own: what the stub does not name is ``None``, arguments have no names, their number and
their kinds are checked, and so are the keys of option tables and the values that a parameter takes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

#: The release that the scripts were checked against.
VERSION = "21.0.0"


class MisuseError(AssertionError):
    """A call that Resolve's API does not have: a fault of who calls, not of Resolve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One form of a method. ``needed``: how many arguments at least. ``rest``: annotation of any number of further ones."""

    names: tuple[str, ...]
    kinds: tuple[ast.expr | None, ...]
    needed: int
    rest: ast.expr | None
    has_rest: bool
    returns: ast.expr | None

    def takes(self, count: int) -> bool:
        return count >= self.needed and (self.has_rest or count <= len(self.names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An entry of the log. ``about``: who the object is, for people."""

    cls: str
    method: str
    arguments: tuple[Any, ...]
    about: str
    answer: Any


class Stub:
    """All that the stub says."""

    def __init__(self) -> None:
        self.methods: dict[str, dict[str, list[Signature]]] = {}
        self.constants: dict[str, dict[str, int]] = {}
        self.aliases: dict[str, ast.expr] = {}
        self.tables: dict[str, dict[str, ast.expr]] = {}
        for node in ast.parse(stub_file().read_text(encoding="utf-8")).body:
            self._read(node)

    def _read(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ClassDef):
            if any(ast.unparse(base) == "TypedDict" for base in node.bases):
                fields = (one for one in node.body if isinstance(one, ast.AnnAssign))
                self.tables[node.name] = {ast.unparse(one.target): one.annotation for one in fields}
            else:
                self._read_class(node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "TypedDict" and isinstance(value.args[1], ast.Dict):
                keys = value.args[1].keys
                self.tables[name] = {
                    ast.unparse(k): v for k, v in zip(keys, value.args[1].values, strict=True) if k is not None
                }
            else:
                self.aliases[name] = value

    def _read_class(self, node: ast.ClassDef) -> None:
        methods: dict[str, list[Signature]] = {}
        constants: dict[str, int] = {}
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                methods.setdefault(one.name, []).append(_signature(one))
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                told = one.annotation
                is_number = isinstance(told, ast.Constant) and isinstance(told.value, int)
                constants[one.target.id] = told.value if is_number else 1000 + len(constants)  # type: ignore[union-attr]
            elif isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                constants[one.targets[0].id] = ast.literal_eval(one.value)
        self.methods[node.name] = methods
        self.constants[node.name] = constants

    def check(self, cls: str, method: str, arguments: Sequence[Any]) -> Signature:
        """The form that is meant. :raises MisuseError"""
        problems = []
        for signature in self.methods[cls][method]:
            if not signature.takes(len(arguments)):
                problems.append(f"takes {signature.needed} to {len(signature.names)} arguments, not {len(arguments)}")
                continue
            kinds = [*signature.kinds, *[signature.rest] * len(arguments)]
            wrong = [self.problem(v, k) for v, k in zip(arguments, kinds, strict=False) if k is not None]
            found = next((w for w in wrong if w), None)
            if found is None:
                return signature
            problems.append(found)
        raise MisuseError(f"{cls}.{method}{tuple(arguments)!r}: {'; or '.join(problems)}")

    def problem(self, value: Any, kind: ast.expr) -> str | None:
        """Why ``value`` is not of this kind; ``None``: it is."""
        text = ast.unparse(kind)
        if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.BitOr):
            both = [self.problem(value, side) for side in (kind.left, kind.right)]
            return None if None in both else both[0]
        if isinstance(kind, ast.BinOp):  # Literal[…] + […], with words that are made by a formula
            return self.problem(value, ast.Name("str"))
        if isinstance(kind, ast.Subscript):
            return self._problem_within(value, ast.unparse(kind.value), kind.slice)
        if isinstance(kind, ast.List):  # [TimelineItem], as the stub writes it once
            return self._problem_within(value, "List", kind.elts[0])
        plain: dict[str, tuple[type, ...]] = {
            "str": (str,),
            "int": (int,),
            "float": (int, float),
            "bool": (bool,),
            "list": (list,),
            "dict": (dict,),
        }
        if text in plain:
            is_right = isinstance(value, plain[text]) and (text == "bool" or not isinstance(value, bool))
            return None if is_right else f"{value!r} is no {text}"
        if text in ("Any", "None"):
            return None if text == "Any" or value is None else f"{value!r} is not None"
        if text in self.aliases:
            return self.problem(value, self.aliases[text])
        if text in self.tables:
            return self._problem_of_table(value, text)
        if text in self.methods:
            return None if getattr(value, "_cls", None) == text else f"{value!r} is no {text}"
        raise AssertionError(f"the stub says {text}, which is not understood here")

    def _problem_within(self, value: Any, outer: str, inner: ast.expr) -> str | None:
        match outer:
            case "Optional":
                return None if value is None else self.problem(value, inner)
            case "NotRequired" | "Annotated":
                return self.problem(value, inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
            case "List" | "list":
                if not isinstance(value, list):
                    return f"{value!r} is no list"
                return next((p for one in value if (p := self.problem(one, inner))), None)
            case "dict":
                return None if isinstance(value, dict) else f"{value!r} is no dict"
            case "Literal":
                values = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                allowed = [self._literal(one) for one in values]
                return None if value in allowed else f"{value!r} is none of {ast.unparse(inner)}"
        raise AssertionError(f"the stub says {outer}[…], which is not understood here")

    def _problem_of_table(self, value: Any, name: str) -> str | None:
        if not isinstance(value, dict):
            return f"{value!r} is no {name}"
        fields = self.tables[name]
        if unknown := sorted(set(value) - set(fields)):
            return f"{name} has no {unknown}"
        return next((p for key, one in value.items() if (p := self.problem(one, fields[key]))), None)

    def _literal(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            return self.constants[ast.unparse(node.value)].get(node.attr, node.attr)  # the stub names some that it lacks
        return ast.literal_eval(node)

    def failure(self, returns: ast.expr | None) -> Any:
        """What a method that answers this says when it fails."""
        if returns is None:
            return None
        text = ast.unparse(returns)
        if isinstance(returns, ast.BinOp):
            return self.failure(returns.left)
        if isinstance(returns, ast.Subscript):
            text = ast.unparse(returns.value)
        if text in self.tables:
            return {}
        if text in self.aliases:
            return None
        values: dict[str, Any] = {"bool": False, "str": "", "int": 0, "float": 0.0, "List": [], "list": [], "dict": {}}
        value = values.get(text)
        return value if not isinstance(value, (list, dict)) else type(value)()


@cache
def stub() -> Stub:
    """Read once; nobody changes it."""
    return Stub()


def stub_file() -> Path:
    """:raises AssertionError: another release of the stubs is installed"""
    assert metadata.version("fusionscript-stubs") == VERSION
    files = metadata.files("fusionscript-stubs") or ()
    (found,) = (file for file in files if file.name == "fusionscript.pyi")
    return Path(str(found.locate()))


def _signature(node: ast.FunctionDef) -> Signature:
    """Parameters that may be ``None`` can be left out, also where the stub gives no default: its texts say so."""
    parameters = node.args.args[1:]
    kinds = tuple(one.annotation for one in parameters)
    optional = [kind is not None and ast.unparse(kind).startswith("Optional[") for kind in kinds]
    first_default = len(parameters) - len(node.args.defaults)
    needed = next((i for i, is_optional in enumerate(optional) if is_optional or i >= first_default), len(parameters))
    rest = node.args.vararg
    # these texts say "optional" of an argument that the stub demands
    if node.name in ("GetStart", "GetEnd", "GetDuration", "GetLeftOffset"):
        needed = 0
    return Signature(
        names=tuple(one.arg for one in parameters),
        kinds=kinds,
        needed=needed,
        rest=None if rest is None else rest.annotation,
        has_rest=rest is not None,
        returns=node.returns,
    )


Behaviour = Callable[..., Any]


class Host:
    """Makes the objects, keeps the log, and lets calls fail where it is told to.

    ``failing``: ``(class, method) -> value`` that is answered instead, or an exception that is raised; the call has no effect.
    """

    def __init__(self) -> None:
        self.stub = stub()
        self.log: list[Call] = []
        self.misuses: list[str] = []  # also those whose errors somebody took for a failure of Resolve
        self.failing: dict[tuple[str, str], Any] = {}
        self.missing: set[tuple[str, str]] = set()  # methods and constants that an older version does not have

    def object(self, cls: str, world: Any) -> FakeObject:
        """``world``: has a method for each of the API's that it knows; the others fail. ``is_gone``: the object is stale."""
        unknown = [name for name in vars(type(world)) if name[0].isupper() and name not in self.stub.methods[cls]]
        assert not unknown, f"{cls} has no {unknown}: the fake must not know more than the API"
        return FakeObject(self, cls, world)

    def call(self, item: FakeObject, method: str, arguments: tuple[Any, ...]) -> Any:
        cls, world = item._cls, item._world
        try:
            signature = self.stub.check(cls, method, arguments)
        except MisuseError as e:
            self.misuses.append(str(e))
            raise
        behaviour: Behaviour | None = getattr(world, method, None)
        answer: Any = self.stub.failure(signature.returns)
        try:
            if (cls, method) in self.failing:
                answer = self.failing[cls, method]
                if isinstance(answer, Exception):
                    raise answer
            elif behaviour is not None and not world.is_gone:
                answer = behaviour(*arguments)
        finally:
            self.log.append(Call(cls=cls, method=method, arguments=arguments, about=repr(item), answer=answer))
        return answer


class Method:
    """Takes no arguments by their names."""

    def __init__(self, of: FakeObject, name: str) -> None:
        self._of, self._name = of, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if named:
            self._of._host.misuses.append(f"{self._name} has no argument {sorted(named)}: they have no names")
            raise MisuseError(self._of._host.misuses[-1])
        return self._of._host.call(self._of, self._name, arguments)


class FakeObject:
    """As Resolve's own: every attribute is there, those that it does not know are ``None``."""

    def __init__(self, host: Host, cls: str, world: Any) -> None:
        self._host, self._cls, self._world = host, cls, world

    def __getattr__(self, name: str) -> Any:
        stub = self._host.stub
        if (self._cls, name) in self._host.missing:
            return None
        if name in stub.constants[self._cls]:
            return stub.constants[self._cls][name]
        if name not in stub.methods[self._cls]:
            return None
        return Method(self, name)

    def __repr__(self) -> str:
        return f"<{self._cls} {getattr(self._world, 'name', '')}>"
