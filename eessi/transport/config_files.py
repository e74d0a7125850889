"""Files that describe an access point or a node, and the keys they name: read, or refused in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from eessi.errors import DefinitionError, InputError

__all__ = ["read_bytes", "read_config"]

_Model = TypeVar("_Model", bound=BaseModel)


def read_bytes(file: Path) -> bytes:
    """The bytes of a file.

    :raises InputError: when it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(file)) from None


def read_config(file: Path, model: type[_Model]) -> _Model:
    """A TOML file as the model that describes it.

    :raises InputError: when it cannot be read. :raises DefinitionError: no TOML, unknown or missing keys.
    """
    try:
        return model.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(file)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"this is no TOML: {error}", file=str(file)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise DefinitionError(first["msg"], file=str(file), key=".".join(map(str, first["loc"]))) from None
