"""Who may do what to the directory, as data, and how it is known who somebody is.

Regulation 987/2009, Annex 4: users are authenticated and authorised before each change, refused attempts are logged. The
toolkit proves no identity itself; it says where a name comes from (the operating system, an argument, a service that
knows its users), logs that with the name, and lets a policy accept some origins only.
"""

from __future__ import annotations

import enum
import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import attrs

from eessi.errors import DefinitionError, NotAllowed

if TYPE_CHECKING:
    from eessi.directory.store import DirectoryStore

__all__ = ["EVERYBODY", "Origin", "Policy", "Right", "User", "authorise", "system_account"]

Origin = Literal["operating-system", "argument", "service"]
"""Where a name comes from; only the operating system's and a service's were proved by somebody."""

EVERYBODY: Final = "*"
"""Stands in a policy for every user."""


class Right(enum.StrEnum):
    """What somebody may be allowed to do."""

    PROPOSE = "propose"
    APPROVE = "approve"
    KEY = "key"
    LOAD = "load"
    DECLARE = "declare"
    REFER = "refer"


_TEXTS: Final[Mapping[Right, tuple[str, str]]] = {
    Right.PROPOSE: ("propose changes", "proposal-refused"),
    Right.APPROVE: ("decide on proposals", "approval-refused"),
    Right.KEY: ("take out keying sheets", "export-refused"),
    Right.LOAD: ("put copies in force or back", "copy-refused"),
    Right.DECLARE: ("declare readiness", "declaration-refused"),
    Right.REFER: ("change referents", "contact-refused"),
}
"""Each right in words, and how the log names an attempt without it."""


@attrs.frozen(slots=True)
class User:
    """Who acts. ``account`` is the operating system's user of the process, whoever was named."""

    name: str
    origin: Origin
    account: str | None = None

    @classmethod
    def of(cls, by: str | User | None) -> User:
        """The user as told: a name is one by argument; nobody named is the user of the operating system."""
        if isinstance(by, User):
            return by
        account = system_account()
        return cls(account, "operating-system", account) if by is None else cls(by, "argument", account)

    def as_words(self) -> dict[str, object]:
        """How the log tells where the name comes from."""
        return {"origin": self.origin, "account": self.account}


def system_account() -> str:
    """The operating system's user of this process; variables of the environment do not count where that can be told."""
    try:
        import pwd
    except ModuleNotFoundError:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


@attrs.frozen(slots=True)
class Policy:
    """Who has which right, for which country, and which origins of a name are accepted.

    ``rights`` of ``None`` gives everybody every right. Where it is given, a right that it does not name is nobody's. A
    proposal is never approved by the person who made it, whatever the policy says. ``trusted`` are SHA-256 thumbprints of
    the certificates whose signature on a copy counts; ``must_be_signed`` refuses copies without one.
    """

    rights: Mapping[Right, frozenset[str]] | None = None
    country: str | None = None
    identity: frozenset[Origin] = frozenset({"operating-system", "argument", "service"})
    trusted: frozenset[str] = frozenset()
    must_be_signed: bool = False

    @classmethod
    def load(cls, file: Path) -> Policy:
        """Read ``country``, ``identity`` (accepted origins), ``trusted``, ``must_be_signed`` and ``[rights]`` from TOML.

        :raises DefinitionError: when the file is broken, or names a right or an origin that does not exist.
        """
        import tomllib

        from pydantic import BaseModel, ConfigDict, ValidationError

        class _File(BaseModel):
            model_config = ConfigDict(extra="forbid")
            rights: dict[Right, frozenset[str]] | None = None
            country: str | None = None
            identity: frozenset[Origin] = cls().identity
            trusted: frozenset[str] = frozenset()
            must_be_signed: bool = False

        try:
            read = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        except ValidationError as error:
            key = ".".join(str(part) for part in error.errors()[0]["loc"] if part != "[key]")
            raise DefinitionError("this is no policy of the directory", file=str(file), key=key) from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DefinitionError(str(error), file=str(file)) from None
        return cls(read.rights, read.country, read.identity, read.trusted, read.must_be_signed)

    def may(self, name: str, right: Right) -> bool:
        """Whether a user of this name has a right."""
        return self.rights is None or bool(self.rights.get(right, frozenset()) & {name, EVERYBODY})

    def objection(self, user: User, right: Right) -> tuple[str, str] | None:
        """The rule that stands against it, with its text; ``None`` when nothing does."""
        if user.origin not in self.identity:
            accepted = ", ".join(sorted(self.identity))
            return "identity", f"{user.name} is known by {user.origin} only; accepted here: {accepted}"
        if not self.may(user.name, right):
            return f"may-not-{right}", f"{user.name} may not {_TEXTS[right][0]}"
        return None


def authorise(
    store: DirectoryStore,
    policy: Policy,
    user: User,
    right: Right,
    *,
    action: str | None = None,
    proposal: int | None = None,
) -> None:
    """Let a user pass, or log the attempt and refuse it.

    :param action: how the log names the refusal, where the right alone does not say it.
    :raises NotAllowed: with the rule that stands against it.
    """
    found = policy.objection(user, right)
    if found is None:
        return
    rule, text = found
    store.log(user, action or _TEXTS[right][1], {"rule": rule, "reason": text}, proposal=proposal)
    raise NotAllowed(text, rule=rule)
