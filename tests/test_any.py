"""The public API promises types: no ``Any`` in an annotation of a name that a module lists in its ``__all__``.

``Any`` switches a user's type checker off without a word; ``object`` says the same and keeps it on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "eessi"
MODULES = sorted(
    file
    for file in PACKAGE.rglob("*.py")
    if not any(part.startswith("_") and part != "__init__.py" for part in file.relative_to(PACKAGE).parts)
    and not {"cli", "migrations"} & set(file.relative_to(PACKAGE).parts)
)
GIVEN = {
    ("sed/models.py", "Model.__repr_args__"): "the signature that pydantic gives it",
    ("testing/report_json.py", "ScenarioDocument.model_json_schema"): "the signature that pydantic gives it",
}
"""Overridden methods whose types another library decides."""


def public(tree: ast.Module) -> set[str]:
    """What ``__all__`` lists; a module without one keeps only names with an underscore to itself."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == "__all__" for one in node.targets
        ):
            return set(ast.literal_eval(node.value))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"}


def aliases(tree: ast.Module) -> set[str]:
    """``Any`` and the names of the module that stand for something made of it."""
    found = {"Any"}
    for node in tree.body:
        target = (
            node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", getattr(node, "name", None))
        )
        value = getattr(node, "value", None)
        if (
            isinstance(target, ast.Name)
            and isinstance(value, ast.expr)
            and not isinstance(value, ast.Call)
            and mentions(value, found)
        ):
            found.add(target.id)
    return found


def mentions(node: ast.AST | None, names: set[str]) -> bool:
    return node is not None and any(
        (isinstance(one, ast.Name) and one.id in names)
        or (isinstance(one, ast.Attribute) and one.attr == "Any")
        or (isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value in names)
        for one in ast.walk(node)
    )


def annotations(node: ast.AST, name: str) -> Iterator[tuple[str, ast.expr | None]]:
    """Every annotation of a public function, or of the public fields and methods of a class."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        given = node.args
        for argument in [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]:
            if argument is not None:
                yield name, argument.annotation
        yield name, node.returns
    elif isinstance(node, ast.ClassDef):
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id[0] != "_":
                yield f"{name}.{part.target.id}", part.annotation
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and (
                part.name[0] != "_" or part.name.startswith("__")
            ):
                yield from annotations(part, f"{name}.{part.name}")
    elif isinstance(node, ast.AnnAssign):
        yield name, node.annotation


def loose(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    offered, any_names = public(tree), aliases(tree)
    for node in tree.body:
        name = getattr(node, "name", None) or getattr(getattr(node, "target", None), "id", None)
        if name in offered:
            yield from (where for where, hint in annotations(node, name) if mentions(hint, any_names))


def test_modules_are_found() -> None:
    assert len(MODULES) > 200


def test_no_any_in_what_is_public() -> None:
    found = {(file.relative_to(PACKAGE).as_posix(), where) for file in MODULES for where in loose(file)}
    assert sorted(found - set(GIVEN)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from typing import Any\ndef f(x: Any) -> int: ...",
        "from typing import Any\ndef f() -> dict[str, Any]: ...",
        "import typing\nclass C:\n    x: typing.Any",
        "from typing import Any\nPlain = dict[str, Any]\nclass C:\n    def m(self, x: Plain) -> None: ...",
        "from typing import Any\n__all__ = ['f']\ndef f(x: 'Any') -> int: ...",
    ],
)
def test_an_any_is_seen(text: str, tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(text, encoding="utf-8")
    assert list(loose(file))


def test_what_is_private_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("from typing import Any\n__all__ = ['g']\ndef f(x: Any) -> int: ...\ndef g(x: int) -> int: ...")
    assert list(loose(file)) == []
