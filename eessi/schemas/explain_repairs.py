"""From repairs of a content model to findings: one problem, one finding.

A child left out here and put in there was misplaced; a branch put in where no branch of its choice stands means that the
choice was never made; a child left out that has no free place stands too often or belongs to the other branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.findings import Fix, Phrase
from eessi.schemas.explain_models import Edge, Model, Repair, likeness
from eessi.schemas.explain_places import Draft, path_of, step_of
from eessi.schemas.explain_plan import Node, tag_of
from eessi.schemas.structure import Choice, Element, Kind, Particle

__all__ = ["Group", "explain_group"]

_ALIKE: Final = 0.7
_GAPS: Final = 400
"""Places tried for a misplaced child; in longer lists it counts as one too many."""


@attrs.define(slots=True)
class Group:
    """A group whose children do not stand as they should.

    ``names``: names of the children, namespaces that do not belong taken off. ``pairs`` (result): which child to read as what.
    """

    node: Node
    element: etree._Element
    root: etree._Element
    children: Sequence[etree._Element]
    names: Sequence[str]
    drafts: list[Draft]
    pairs: list[tuple[etree._Element, Node]] = attrs.field(factory=list)
    standing: list[tuple[str, int | None]] = attrs.field(factory=list)
    """The repaired sequence: name and number of the child that stands for it, ``None`` where one was put in."""
    levels: set[str] = attrs.field(factory=set)
    """Wrappers found to be left out."""


@attrs.frozen(slots=True)
class _Missing:
    edge: Edge
    place: int
    """Index into ``standing``."""


def explain_group(group: Group) -> None:
    """Add the findings of one group to ``group.drafts`` and fill ``group.pairs``."""
    if _several_left_out(group):
        return
    repairs = group.node.model.repair(group.names)
    if repairs is None:
        _explain_roughly(group)
        return
    extra: list[tuple[int, int]] = []
    missing: list[_Missing] = []
    for repair in repairs:
        if repair.action == "leave_out" or _alike_by_chance(group, repair):
            extra.append((repair.index, len(group.standing)))
            continue
        assert repair.edge is not None
        if repair.action == "put_in":
            missing.append(_Missing(repair.edge, len(group.standing)))
        elif repair.action == "rename":
            _renamed(group, repair)
        else:
            group.pairs.append((group.children[repair.index], group.node.children[repair.edge.tag]))
        group.standing.append((repair.edge.tag, None if repair.action == "put_in" else repair.index))
    for index, place in extra:
        _explain_extra(group, index, place, missing)
    _explain_missing(group, missing, repairs)


def _explain_roughly(group: Group) -> None:
    """For models beyond repair by search: name strange children, else say that the whole does not fit."""
    known = group.node.children
    strange = False
    for child, name in zip(group.children, group.names, strict=True):
        if name in known:
            group.pairs.append((child, known[name]))
        else:
            strange = True
            _unexpected(group, child, tuple(_label(tag) for tag in known))
    if not strange:
        names = tuple(_label(tag) for tag in known)
        path = path_of(group.element, group.root)
        group.drafts.append(Draft("SCH-CONTENT", group.element, path, expected=names, reference=_reference(group.node)))


def _alike_by_chance(group: Group, repair: Repair) -> bool:
    """Whether a likely slip of the pen is the exact name of a child of a group left out, which says more.

    Renaming it would move a value to another fact: the mother's family name at birth to the person's own.
    """
    if repair.action != "rename" or repair.edge is None or group.node.children[repair.edge.tag].element.required:
        return False
    return _named_elsewhere(group, group.names[repair.index])


def _named_elsewhere(group: Group, name: str) -> bool:
    """Whether a group that is absent here has a child of exactly this name."""
    return any(tag not in group.names and _holds_alone(wrapper, name) for tag, wrapper in group.node.children.items())


def _several_left_out(group: Group) -> bool:
    """Whether all that is wrong is a wrapper left out around several children (``street``, ``town`` without ``Address``)."""
    names, known = list(group.names), group.node.children
    strange = [index for index, name in enumerate(names) if name not in known]
    if len(strange) < 2:
        return False
    fitting: list[tuple[str, Node, int, int]] = []
    for tag, wrapper in known.items():
        if tag in names or wrapper.kind is not Kind.GROUP or not wrapper.children.keys() >= {names[i] for i in strange}:
            continue
        first = next(index for index, name in enumerate(names) if name in wrapper.children)
        last = len(names) - next(index for index, name in enumerate(reversed(names)) if name in wrapper.children)
        if wrapper.model.accepts(names[first:last]) and group.node.model.accepts([*names[:first], tag, *names[last:]]):
            fitting.append((tag, wrapper, first, last))
    if not fitting:
        return False
    tag, wrapper, first, last = fitting[0]
    told = ", ".join(names[first:last])
    _one_level_up(group, group.children[first], told, tag, sure=len(fitting) == 1, count=last - first)
    group.pairs += [
        (child, (wrapper if first <= index < last else group.node).children[name])
        for index, (child, name) in enumerate(zip(group.children, names, strict=True))
    ]
    return True


def _holds_alone(wrapper: Node, name: str) -> bool:
    """Whether an element may be all that stands in a group."""
    return wrapper.kind is Kind.GROUP and name in wrapper.children and wrapper.model.accepts([name])


def _renamed(group: Group, repair: Repair) -> None:
    assert repair.edge is not None
    child, tag = group.children[repair.index], repair.edge.tag
    got, wanted = _xml.local_name(child), _label(tag)
    path = path_of(child, group.root)
    target = group.node.children[tag]
    name = group.names[repair.index]
    inside = [other.tag for other in _xml.elements(child)]
    if _holds_alone(target, name) and not target.model.accepts(inside):  # type: ignore[arg-type]  # elements have names of type str
        _one_level_up(group, child, _label(name), tag)
        group.pairs.append((child, target.children[name]))
        return
    if tag in inside and set(inside) == {tag} and len(inside) <= (target.element.max or len(inside)):
        _one_level_too_many(group, child, tag)
        return
    if likeness(got, wanted) < _ALIKE:
        _unexpected(group, child, (wanted,))
        return
    id = "SCH-CASE" if got.casefold() == wanted.casefold() else "SCH-NAME"
    group.drafts.append(
        Draft(
            id,
            child,
            path,
            got=got,
            expected=(wanted,),
            params={"wanted": wanted},
            reference=_reference(group.node),
            fix=Fix("rename", path, tag, determined=not _named_elsewhere(group, name)),
        )
    )
    group.pairs.append((child, target))


def _one_level_too_many(group: Group, child: etree._Element, tag: str) -> None:
    """A strange element whose only content is what belongs in its place."""
    group.drafts.append(
        Draft(
            "SCH-LEVEL-EXTRA",
            child,
            path_of(child, group.root),
            got=_xml.local_name(child),
            expected=(_label(tag),),
            params={"wanted": _label(tag)},
            reference=_reference(group.node),
            fix=Fix("unwrap", path_of(child, group.root), _label(tag), determined=True),
        )
    )
    group.pairs += [(inner, group.node.children[tag]) for inner in _xml.elements(child)]


def _unexpected(group: Group, child: etree._Element, expected: tuple[str, ...]) -> None:
    path = path_of(child, group.root)
    group.drafts.append(
        Draft(
            "SCH-UNEXPECTED",
            child,
            path,
            got=_xml.local_name(child),
            expected=expected,
            params={"parent": _label(group.node.tag)},
            reference=_reference(group.node),
            fix=Fix("remove", path),
        )
    )


def _explain_extra(group: Group, index: int, place: int, missing: list[_Missing]) -> None:
    child, name = group.children[index], group.names[index]
    if name not in group.node.children:
        if not _wrapper_left_out(group, index, place, missing):
            _unexpected(group, child, tuple(_label(tag) for tag in group.node.children))
        return
    node = group.node.children[name]
    wanted = next((lack for lack in missing if lack.edge.tag == name), None) or _same_choice(group, name, missing)
    if wanted is not None:
        missing.remove(wanted)
        _misplaced(group, child, node, wanted.place + 1)
        return
    tags = [tag for tag, _ in group.standing]
    gap = _free_gap(group.node.model, tags, name, place)
    if gap is not None:
        _misplaced(group, child, node, gap)
    elif name in tags:
        _repeated(group, index, node)
    else:
        _other_branch(group, child, name, tags)


def _same_choice(group: Group, name: str, missing: list[_Missing]) -> _Missing | None:
    """A branch put in where the misplaced child would have been as good."""
    for lack in missing:
        for number, _ in lack.edge.choices:
            branches = group.node.model.choices[number].branches
            alone = [branch[0] for branch in branches if len(branch) == 1 and isinstance(branch[0], Element)]
            if {name, lack.edge.tag} <= {tag_of(element) for element in alone}:
                return lack
    return None


def _free_gap(model: Model, tags: list[str], name: str, near: int) -> int | None:
    """Where ``name`` could stand among ``tags``; the gap nearest to ``near``."""
    gaps = sorted(range(len(tags) + 1), key=lambda gap: abs(gap - near))[:_GAPS]
    return next((gap for gap in gaps if model.accepts([*tags[:gap], name, *tags[gap:]])), None)


def _misplaced(group: Group, child: etree._Element, node: Node, gap: int) -> None:
    following = next((index for _, index in group.standing[gap:] if index is not None), None)
    before = group.children[following] if following is not None else None
    path = path_of(child, group.root)
    params = {"next": _xml.local_name(before)} if before is not None else {"parent": _label(group.node.tag)}
    group.drafts.append(
        Draft(
            "SCH-ORDER" if before is not None else "SCH-ORDER-LAST",
            child,
            path,
            got=_xml.local_name(child),
            params=params,
            reference=_reference(group.node),
            fix=Fix("move", path, step_of(before) if before is not None else "", determined=True),
        )
    )
    group.pairs.append((child, node))


def _repeated(group: Group, index: int, node: Node) -> None:
    child = group.children[index]
    path = path_of(child, group.root)
    same = _xml.canonical(_alone(child))
    twins = [
        other
        for tag, other in group.standing
        if tag == group.names[index] and other is not None and _xml.canonical(_alone(group.children[other])) == same
    ]
    group.drafts.append(
        Draft(
            "SCH-REPEATED",
            child,
            path,
            got=_xml.local_name(child),
            params={"parent": _label(group.node.tag), "limit": str(node.element.max)},
            reference=_reference(group.node),
            fix=Fix("remove", path, determined=True) if twins else None,
        )
    )


def _alone(element: etree._Element) -> etree._Element:
    import copy

    twin = copy.deepcopy(element)
    twin.tail = None
    return twin


def _other_branch(group: Group, child: etree._Element, name: str, tags: list[str]) -> None:
    branches = _branches_of(group.node.particles, name)
    rival = next((tag for tag in tags if any(tag in branch for branch in branches if name not in branch)), None)
    names = tuple(_label(branch[0]) for branch in branches if branch) or tuple(_label(tag) for tag in tags)
    group.drafts.append(
        Draft(
            "SCH-CHOICE-BOTH",
            child,
            path_of(child, group.root),
            got=_xml.local_name(child),
            expected=names,
            params={"rival": _label(rival or tags[0] if tags else "")},
            reference=_reference(group.node),
        )
    )


def _branches_of(particles: Sequence[Particle], name: str) -> list[list[str]]:
    """The branches, as names, of the innermost choice that holds ``name``."""
    for particle in particles:
        if isinstance(particle, Choice):
            for branch in particle.branches:
                if inner := _branches_of(branch, name):
                    return inner
            branches = [[element.name for element in _flat(branch)] for branch in particle.branches]
            if any(name in branch for branch in branches):
                return branches
    return []


def _flat(branch: Sequence[Particle]) -> list[Element]:
    return [
        element
        for particle in branch
        for element in (particle.elements() if isinstance(particle, Choice) else (particle,))
    ]


def _wrapper_left_out(group: Group, index: int, place: int, missing: list[_Missing]) -> bool:
    """Whether a strange child belongs inside a group that is missing right here (``Address`` without ``Addresses``)."""
    child, name = group.children[index], group.names[index]
    for tag, wrapper in group.node.children.items():
        if not _holds_alone(wrapper, name):
            continue
        if tag in group.levels:
            group.pairs.append((child, wrapper.children[name]))
            return True
        lack = next((lack for lack in missing if lack.edge.tag == tag), None)
        if lack is not None:
            missing.remove(lack)
        elif _free_gap(group.node.model, [tag for tag, _ in group.standing], tag, place) != place:
            continue
        _one_level_up(group, child, _xml.local_name(child), tag)
        group.pairs.append((child, wrapper.children[name]))
        return True
    return False


def _one_level_up(
    group: Group, child: etree._Element, got: str, tag: str, *, sure: bool = True, count: int | None = None
) -> None:
    group.levels.add(tag)
    path = path_of(child, group.root)
    group.drafts.append(
        Draft(
            "SCH-LEVEL",
            child,
            path,
            got=got,
            expected=(_label(tag),),
            params={"wanted": _label(tag)},
            reference=_reference(group.node),
            fix=Fix("wrap", path, f"<{tag}>", sure, count),
        )
    )


def _explain_missing(group: Group, missing: list[_Missing], repairs: Sequence[Repair]) -> None:
    taken = {number for repair in repairs if repair.action in ("keep", "rename") and repair.edge is not None
             for number, _ in repair.edge.choices}  # fmt: skip
    told: set[int] = set()
    for lack in missing:
        open_choices = [
            number
            for number, _ in lack.edge.choices
            if number not in taken and len(group.node.model.choices[number].branches) > 1
        ]
        if open_choices:
            if open_choices[0] not in told:
                told.add(open_choices[0])
                _choice_never(group, lack, group.node.model.choices[open_choices[0]])
            continue
        _absent(group, lack)


def _anchor(group: Group, lack: _Missing) -> tuple[etree._Element, str | None]:
    """The child in front of which something is missing, or the group itself."""
    following = next((index for _, index in group.standing[lack.place + 1 :] if index is not None), None)
    if following is None:
        return group.element, None
    return group.children[following], _xml.local_name(group.children[following])


def _absent(group: Group, lack: _Missing) -> None:
    anchor, following = _anchor(group, lack)
    name = _label(lack.edge.tag)
    parent = _label(group.node.tag)
    group.drafts.append(
        Draft(
            "SCH-MISSING" if following else "SCH-MISSING-LAST",
            anchor,
            f"{path_of(group.element, group.root)}/{name}",
            got=Phrase("nothing"),
            expected=(name,),
            params={"next": following, "parent": parent} if following else {"parent": parent},
            reference=_reference(group.node),
        )
    )


def _choice_never(group: Group, lack: _Missing, choice: Choice) -> None:
    anchor, _ = _anchor(group, lack)
    names = tuple(_flat(branch)[0].name for branch in choice.branches if _flat(branch))
    group.drafts.append(
        Draft(
            "SCH-CHOICE-NONE",
            anchor,
            path_of(group.element, group.root),
            got=Phrase("nothing"),
            expected=names,
            params={"parent": _label(group.node.tag), "choices": ", ".join(f"`{name}`" for name in names)},
            reference=_reference(group.node),
        )
    )


def _label(tag: str) -> str:
    return tag.rpartition("}")[2]


def _reference(node: Node) -> str | None:
    return node.element.type_name
