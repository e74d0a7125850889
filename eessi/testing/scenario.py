"""Scenarios: what the parties of a case do and what is expected, in a file that a case worker can read.

:func:`load_scenarios` reads a ``*.buc.yaml``; the runner plays it. A file holds data only: sentences from a closed
list (:mod:`eessi.testing.sentences`), values, variables and loops over countries and versions; never code.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

import attrs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eessi.buc import buc as definition_of
from eessi.errors import DefinitionError, EessiError, UnknownCode
from eessi.ids import BucId, CdmVersion, InstitutionId, Role
from eessi.testing import sentences
from eessi.testing.faults import Habit, read_fault
from eessi.testing.sentences import Expect, Sentence
from eessi.testing.yamlfile import Place, Plain, Plan, read_yaml

__all__ = ["Expectation", "Party", "Scenario", "SendOptions", "Step", "load_scenarios", "scenario_schema"]

Tree = dict[str, object]
"""The data of a document: element names to text, lists and further trees."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, (int, float)) else value)]


_Checked = TypeVar("_Checked", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_fault(text: str) -> str:
    try:
        read_fault(text)
    except EessiError as error:
        raise ValueError(str(error)) from None
    return text


class Expectation(_Model):
    """What is expected of a document or message.

    ``header`` and ``content`` map names or paths to values; ``*`` stands for any value (identifiers, dates of the
    run), an empty value for an absent element.
    """

    ending: Literal["delivered", "refused", "rejected", "lost", "late"] | None = Field(
        default=None,
        description="delivered; refused (it never left the sender); rejected (the receiver did not take it)",
    )
    verdict: Literal["valid", "invalid", "undetermined"] | None = Field(
        default=None, description="what the check says before the document leaves"
    )
    because: str | None = Field(default=None, description="id of a finding or rule, or a part of the reason's words")
    findings: tuple[str, ...] = Field(default=(), description="ids of findings that must be reported")
    header: dict[str, Text | None] = Field(default_factory=dict, description="values of the message header, by name")
    content: dict[str, Text | None] = Field(default_factory=dict, description="values in the document, by path")


class AttachmentOption(_Model):
    """A synthetic attachment of the given size."""

    name: str
    media_type: str = "application/pdf"
    size: int = Field(default=1000, ge=1, le=200_000_000, description="bytes")


class SendOptions(_Model):
    """Everything that may stand below a step that sends."""

    name: str | None = Field(default=None, description="name of this document for later steps; its SED code otherwise")
    data: dict[str, object] | None = Field(
        default=None, description="the document, element names to values; laid over the template"
    )
    template: str | None = Field(default=None, description="file with the data, beside the scenario")
    generate: bool = Field(default=False, description="generate a document from the structure of the package")
    change: dict[str, Text | None] = Field(
        default_factory=dict, description="changes after that: path to value; an empty value removes the element"
    )
    package: str | None = Field(default=None, description="the CDM package of the document, like open:4.4")
    version: Text | None = Field(default=None, description="CDM version of the document; that of the case otherwise")
    in_reply_to: str | None = Field(default=None, description="the document that this one answers")
    facts: dict[str, bool] = Field(default_factory=dict, description="named facts that a rule of the process asks for")
    participant: str | None = Field(
        default=None, description="party or institution that the document names (X005, X006, X007, X100)"
    )
    parts: int = Field(default=0, ge=0, description="number of sub-documents of a bulk document")
    attachments: tuple[AttachmentOption, ...] = ()
    unchecked: bool = Field(default=False, description="send even what the own check refuses, to test the other side")
    fault: Annotated[str, AfterValidator(_known_fault)] | None = Field(
        default=None,
        description="what goes wrong with the message on its way: late by 3 days, duplicate, unreadable ...",
    )
    sign: bool = Field(default=False, description="sign the document with a key made on the spot for the sender")
    times: int = Field(
        default=1, ge=1, le=100_000, description="send so many documents of this kind, one after the other"
    )
    expect: Expectation = Field(default_factory=Expectation)


class MayOptions(_Model):
    """Below ``FR may send A001``."""

    facts: dict[str, bool] = Field(default_factory=dict)
    because: str | None = None


class IsOptions(_Model):
    """Below ``FR is open``: what its case allows."""

    moves: tuple[str, ...] | None = Field(default=None, description="exactly these SEDs may be sent now")
    facts: dict[str, bool] = Field(default_factory=dict)


class HasOptions(_Model):
    """Below ``BE has A001``: what the received document and its header hold."""

    header: dict[str, Text | None] = Field(default_factory=dict)
    content: dict[str, Text | None] = Field(default_factory=dict)


Options = SendOptions | MayOptions | IsOptions | HasOptions | None

_OPTIONS: Final[Mapping[type, type[_Model]]] = {
    sentences.Send: SendOptions,
    sentences.May: MayOptions,
    sentences.Is: IsOptions,
    sentences.Has: HasOptions,
}


def _role(word: object) -> object:
    try:
        return Role.parse(word) if isinstance(word, str) else word
    except UnknownCode as error:
        raise ValueError(str(error)) from None


class Party(_Model):
    """One institution of the case. Without ``institution`` the directory is asked for one that may play the role."""

    role: Annotated[Role, BeforeValidator(_role)]
    country: str = Field(pattern="^[A-Z]{2}$")
    habit: Habit | None = Field(default=None, description="what it does by itself with every document it receives")
    institution: Annotated[str, BeforeValidator(lambda text: text and InstitutionId(text))] | None = None


class _File(_Model):
    scenario: str = Field(min_length=1, description="what happens, in one line")
    about: str | None = Field(default=None, description="the story, for people who do not know the process")
    buc: str = Field(description="code of the process, like LA_BUC_01")
    version: Text = Field(description="CDM version of the case, like 4.3")
    starts: str = Field(default="2026-01-15 09:00", description="day and hour at which the clock begins (UTC)")
    seed: int = Field(default=1, ge=0)
    requirements: tuple[str, ...] = Field(default=(), description="ids of the requirements that this scenario tests")
    loop: dict[str, tuple[Text, ...]] = Field(default_factory=dict, description="run once for each combination")
    variables: dict[str, Text] = Field(default_factory=dict, description="names to use as ${name}")
    parties: dict[str, Party] = Field(min_length=1)
    packages: dict[str, str] = Field(default_factory=dict, description="CDM package per SED, like S072: sandbox:1.0")
    steps: tuple[object, ...] = Field(min_length=1)


@attrs.frozen(slots=True)
class Step:
    """One step with the place where it was written."""

    number: int
    text: str
    sentence: Sentence
    options: Options
    file: str
    line: int
    expects: tuple[Expect, ...] = ()

    def error(self, message: str) -> DefinitionError:
        """An error of the scenario at this step."""
        return DefinitionError(message, file=f"{self.file}:{self.line}", key=self.text)


@attrs.frozen(slots=True)
class Scenario:
    """A scenario, read and ready to run.

    :param parties: by name as the steps use it, in the order of the file.
    :param variables: the values chosen by ``loop`` for this run, and the file's own.
    """

    title: str
    buc: BucId
    version: CdmVersion
    parties: Mapping[str, Party] = attrs.field(hash=False)
    steps: tuple[Step, ...]
    file: str
    about: str | None = None
    starts: dt.datetime = dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC)
    seed: int = 1
    requirements: tuple[str, ...] = ()
    packages: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    variables: Mapping[str, str] = attrs.field(factory=dict, hash=False)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a file that holds exactly one scenario (no loop).

        :raises DefinitionError: with file, line and key.
        """
        found = load_scenarios(path)
        if len(found) != 1:
            raise DefinitionError(
                f"the loop makes {len(found)} scenarios; use load_scenarios", file=str(path), key="loop"
            )
        return cls(**{field.name: getattr(found[0], field.name) for field in attrs.fields(cls)})

    @property
    def owner(self) -> str:
        """Name of the party that owns the case."""
        return next(name for name, party in self.parties.items() if party.role is Role.CASE_OWNER)


def load_scenarios(path: Path | str, text: str | None = None) -> tuple[Scenario, ...]:
    """Read a scenario file; a ``loop`` gives one scenario for each combination of its values.

    :param text: the content, when it does not come from the file; ``path`` then names it and its folder.
    :raises DefinitionError: what is wrong, with file, line and key.
    """
    plan = read_yaml(path, text)
    if not isinstance(plan.data, dict):
        raise plan.error("a scenario is a mapping that begins with 'scenario:'")
    return tuple(_scenario(plan, chosen, Path(path).parent) for chosen in _combinations(plan))


def _combinations(plan: Plan) -> Iterator[dict[str, str]]:
    assert isinstance(plan.data, dict)
    loop = plan.data.get("loop") or {}
    if not isinstance(loop, dict) or not all(isinstance(values, list) and values for values in loop.values()):
        raise plan.error("each name of a loop needs a list of values", ("loop",))
    names = list(loop)
    lists: list[list[str]] = [[str(value) for value in values] for values in loop.values() if isinstance(values, list)]
    for values in itertools.product(*lists):
        yield dict(zip(names, values, strict=True))


def _scenario(plan: Plan, chosen: dict[str, str], folder: Path) -> Scenario:
    assert isinstance(plan.data, dict)
    own = plan.data.get("variables") or {}
    if not isinstance(own, dict):
        raise plan.error("variables are names with values", ("variables",))
    variables = {**{name: str(value) for name, value in own.items()}, **chosen}
    data = {
        key: value if key in ("loop", "variables") else _fill(value, variables, plan, (key,))
        for key, value in plan.data.items()
    }
    raw = _checked(_File, data, plan, ())
    owners = [name for name, party in raw.parties.items() if party.role is Role.CASE_OWNER]
    if len(owners) != 1:
        raise plan.error(f"exactly one party is the CaseOwner, not {len(owners)}", ("parties",))
    try:
        buc = definition_of(raw.buc).code
    except EessiError as error:
        raise plan.error(str(error), ("buc",)) from None
    try:
        version = CdmVersion.parse(raw.version)
    except EessiError as error:
        raise plan.error(str(error), ("version",)) from None
    label = ", ".join(chosen.values())
    return Scenario(
        title=f"{raw.scenario} [{label}]" if label else raw.scenario,
        buc=buc,
        version=version,
        parties=raw.parties,
        steps=tuple(_Steps(variables, raw.parties, folder).read(plan)),
        file=plan.file,
        about=raw.about,
        starts=_moment(raw.starts, plan),
        seed=raw.seed,
        requirements=raw.requirements,
        packages=raw.packages,
        variables=variables,
    )


def _moment(text: str, plan: Plan) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise plan.error(f"{text!r} is not a day or a day and an hour like 2026-01-15 09:00", ("starts",)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _fill(value: Plain, variables: Mapping[str, str], plan: Plan, place: Place) -> Plain:
    if isinstance(value, dict):
        return {
            str(_fill(key, variables, plan, place)): _fill(child, variables, plan, (*place, key))
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [_fill(child, variables, plan, (*place, index)) for index, child in enumerate(value)]
    if not isinstance(value, str):
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in variables]
    if missing:
        raise plan.error(f"no variable is called {missing[0]!r}", place)
    return _VARIABLE.sub(lambda found: variables[found[1]], value)


def _checked(model: type[_Checked], data: object, plan: Plan, place: Place) -> _Checked:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        first = min(found, key=lambda one: one["type"] != "extra_forbidden")  # a misspelt key explains a missing one
        where = tuple(step for step in first["loc"] if isinstance(step, (str, int)))
        text = "no such key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            text += f"; known here: {', '.join(model.model_fields)}" if len(where) == 1 else ""
        raise plan.error(text, (*place, *where)) from None
    except EessiError as error:
        raise plan.error(str(error), place) from None


class _Steps:
    """Reads the list of steps of a file and of the files it includes."""

    def __init__(self, variables: Mapping[str, str], parties: Mapping[str, Party], folder: Path) -> None:
        self.variables = variables
        self.parties = parties
        self.folder = folder.resolve()
        self.steps: list[Step] = []

    def read(self, plan: Plan) -> list[Step]:
        assert isinstance(plan.data, dict)
        self._list(plan.data["steps"], plan, ("steps",), ())
        return self.steps

    def _list(self, raw: Plain, plan: Plan, place: Place, files: tuple[str, ...]) -> None:
        if not isinstance(raw, list):
            raise plan.error("the steps are a list", place)
        for index, entry in enumerate(raw):
            here = (*place, index)
            if isinstance(entry, dict) and list(entry) == ["include"]:
                self._include(str(entry["include"]), plan, here, files)
            else:
                self._step(_fill(entry, self.variables, plan, here), plan, here)

    def _include(self, name: str, plan: Plan, place: Place, files: tuple[str, ...]) -> None:
        if name in files:
            raise plan.error(f"{name} includes itself", place)
        other = _beside(self.folder, name, plan, place)
        if not isinstance(other.data, list):
            raise other.error("an included file is a list of steps")
        self._list(other.data, other, (), (*files, name))

    def _step(self, entry: Plain, plan: Plan, place: Place) -> None:
        text, below = entry, None
        if isinstance(entry, dict):
            if len(entry) != 1:
                raise plan.error("a step is one sentence; what belongs to it is indented below it", place)
            text, below = next(iter(entry.items()))
        if not isinstance(text, str):
            raise plan.error("a step is a sentence", place)
        try:
            sentence = sentences.read(text)
        except EessiError as error:
            raise plan.error(str(error), place) from None
        if isinstance(sentence, Expect):
            self._expect(sentence, text, plan, place)
            return
        inner = (*place, text) if isinstance(entry, dict) else place
        options = self._options(sentence, below, plan, inner)
        self._know_parties(sentence, plan, place)
        self.steps.append(
            Step(len(self.steps) + 1, " ".join(text.split()), sentence, options, plan.file, plan.line(place))
        )

    def _options(self, sentence: Sentence, below: Plain, plan: Plan, place: Place) -> Options:
        model = _OPTIONS.get(type(sentence))
        if model is None:
            if below is not None:
                raise plan.error("nothing can stand below this step", place)
            return None
        options = _checked(model, {} if below is None else below, plan, place)
        assert isinstance(options, (SendOptions, MayOptions, IsOptions, HasOptions))
        if isinstance(options, SendOptions) and isinstance(sentence, sentences.Send):
            options = self._data(options, sentence, plan, place)
        return options

    def _data(self, options: SendOptions, sentence: sentences.Send, plan: Plan, place: Place) -> SendOptions:
        name = options.template or sentence.template
        if name is None:
            return options
        other = _beside(self.folder, name, plan, place)
        data = _fill(other.data, self.variables, other, ())
        if not isinstance(data, dict):
            raise other.error("a template is a mapping of element names to values")
        return options.model_copy(update={"data": _over(data, options.data or {}), "template": name})

    def _expect(self, sentence: Expect, text: str, plan: Plan, place: Place) -> None:
        if not self.steps or not isinstance(self.steps[-1].sentence, sentences.Send):
            raise plan.error("'expect' follows a step that sends", place)
        last = self.steps[-1]
        self.steps[-1] = attrs.evolve(last, text=f"{last.text}, {text}", expects=(*last.expects, sentence))

    def _know_parties(self, sentence: Sentence, plan: Plan, place: Place) -> None:
        names = [
            getattr(sentence, "party", None),
            getattr(sentence, "sender", None),
            *getattr(sentence, "receivers", ()),
        ]
        for name in names:
            if name is not None and name not in self.parties:
                raise plan.error(f"no party is called {name!r}; known: {', '.join(self.parties)}", place)


def _over(template: Mapping[str, object], data: Mapping[str, object]) -> dict[str, object]:
    """The template with the step's own data laid over it: groups join, everything else replaces."""
    joined = dict(template)
    for name, value in data.items():
        below = joined.get(name)
        joined[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return joined


def _beside(folder: Path, name: str, plan: Plan, place: Place) -> Plan:
    path = inside(folder, name, plan, place)
    if not path.is_file():
        raise plan.error(f"there is no file {name} beside the scenario", place)
    return read_yaml(path)


def inside(folder: Path, name: str, plan: Plan, place: Place) -> Path:
    """The file ``name`` below ``folder``; a scenario never reads outside its own folder.

    :raises DefinitionError: for a name that leads outside.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise plan.error(f"{name} lies outside the folder of the scenario", place)
    return path


def scenario_schema() -> dict[str, object]:
    """The JSON Schema of ``*.buc.yaml`` files, for editors that complete and check while one writes."""
    schema = _File.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    below: list[dict[str, object]] = [{"type": "null"}]
    for model in _OPTIONS.values():
        part = model.model_json_schema()
        definitions.update(part.pop("$defs", {}))
        definitions[model.__name__] = part
        below.append({"$ref": f"#/$defs/{model.__name__}"})
    schema["properties"]["steps"]["items"] = {
        "anyOf": [
            {"type": "string", "anyOf": [{"pattern": form} for form in sentences.FORMS]},
            _single({form: {"anyOf": below} for form in sentences.FORMS}),
            _single({"^include$": {"type": "string"}}),
        ]
    }
    _numbers_too(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "EESSI scenario"}


def _single(patterns: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "patternProperties": patterns,
        "additionalProperties": False,
    }


_HOLE: Final = r"\$\{[A-Za-z_]"
"""Where a variable stands: any form may be hidden behind it."""


def _numbers_too(schema: object) -> None:
    """Allow what an editor's YAML reader makes of a text (``4.3`` a number), and a variable wherever a value may stand."""
    if isinstance(schema, dict):
        if "enum" in schema and schema.get("type") == "string":
            options = [{"enum": schema.pop("enum"), "type": schema.pop("type")}, {"type": "string", "pattern": _HOLE}]
            schema["anyOf"] = options
        elif schema.get("type") == "string":
            if "pattern" in schema:
                schema["pattern"] = f"{schema['pattern']}|{_HOLE}"
            else:
                schema["type"] = ["string", "number"]
        elif schema.get("type") == "integer":
            schema["type"] = ["integer", "string"]
        for key, child in schema.items():
            if key != "anyOf" or not any("enum" in option for option in child if isinstance(option, dict)):
                _numbers_too(child)
    elif isinstance(schema, list):
        for child in schema:
            _numbers_too(child)
