"""A small generator of S071-like documents for comparing two schemas: right ones, and ones with random damage.

Knows nothing of rules: it fills a structure at random, then may change anything anywhere. Which of the results are valid
is for the two schemas to say.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path

from lxml import etree

from eessi.schemas import Choice, Element, Kind, Particle, Structure

XSI = "http://www.w3.org/2001/XMLSchema-instance"
TEXTS = (
    "", " ", "01", " 01", "01 ", "\n01", "1", "98", "03", "99", "EL", "GR", "UK", "GB", "el", "XK", "SUHH", "AT|BE", "(01)",
    "x" * 25, "x" * 26, "x" * 65, "x" * 66, "x" * 155, "x" * 156, "é" * 155, "𝄞" * 25, "𝄞" * 26,
    "2020-02-29", "2021-02-29", "2020-02-29Z", "2020-02-29+14:00", "2020-02-29+14:01", "20200229", " 2020-02-29 ",
    "-2020-02-29", "12020-02-29", "0000-01-01", "2020-02-29T00:00:00", "2020-2-29",
    "EL:0100000001", "EU:CSN01", "EL:010", "EL:01000000011", "el:0100000001", "GR:0100000001", "EL:01_0", "EL:0100 ", "A\tB",
)  # fmt: skip
ATTRIBUTES = (("sedPackage", "x"), ("sedGVer", "4"), ("sedGVer", " 4 "), ("sedVer", "4.4"), ("sedVer", "2147483648"), ("id", "1"),
              (f"{{{XSI}}}schemaLocation", "urn:a b.xsd"), (f"{{{XSI}}}nil", "true"), (f"{{{XSI}}}nil", "false"),
              (f"{{{XSI}}}type", "nothing"), ("{http://www.w3.org/XML/1998/namespace}lang", "en"))  # fmt: skip


class Documents:
    """An endless supply of documents, the same for the same seed."""

    def __init__(self, structure: Structure, seed: int, signature: Path | None = None) -> None:
        self.structure = structure
        self.random = random.Random(seed)
        self.signature = etree.fromstring(signature.read_bytes()) if signature else None
        self.names = sorted({element.name for _, element in structure.walk()} | {"value", "Note"})

    def next(self) -> etree._Element:
        """One document; about a third is untouched."""
        root = etree.Element(
            f"{{{self.structure.namespace}}}{self.structure.sed}", nsmap={"s": self.structure.namespace}
        )
        for name, value in (("sedPackage", "p"), ("sedGVer", "4"), ("sedVer", "4")):
            if self.random.random() < 0.7:
                root.set(name, value)
        self._fill(root, self.structure.root.children)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            self._damage(root)
        return root

    def _fill(self, parent: etree._Element, particles: tuple[Particle, ...]) -> None:
        for particle in particles:
            for _ in range(self._times(particle)):
                if isinstance(particle, Choice):
                    self._fill(parent, self.random.choice(particle.branches))
                elif particle.kind is Kind.SIGNATURE:
                    self._sign(parent)
                else:
                    self._element(parent, particle)

    def _times(self, particle: Particle) -> int:
        most = particle.min + 2 if particle.max is None else particle.max
        return self.random.randint(particle.min, most)

    def _sign(self, parent: etree._Element) -> None:
        if self.signature is not None and self.random.random() < 0.3:
            parent.append(copy.deepcopy(self.signature))

    def _element(self, parent: etree._Element, element: Element) -> None:
        node = etree.SubElement(parent, element.name)
        if element.kind is Kind.CODE:
            assert element.codes is not None
            most = 3 if element.value_max is None else element.value_max
            for code in self.random.sample(
                element.codes.values, self.random.randint(1, min(most, len(element.codes.values)))
            ):
                etree.SubElement(node, "value").text = code
        elif element.kind is Kind.GROUP:
            self._fill(node, element.children)
        else:
            node.text = self._text(element)

    def _text(self, element: Element) -> str:
        facets = element.facets
        assert facets is not None
        if facets.base == "date":
            return self.random.choice(("1980-01-15", "2020-02-29", "2026-12-31Z", "1999-07-01+02:00"))
        if facets.patterns:
            return self.random.choice(("EL:0100000001", "EU:CSN1", "UK:abcDEF123"))
        low, high = facets.min_length or 0, facets.max_length or 30
        return "".join(
            self.random.choices(
                "abcXYZ é-.'&<>0", k=self.random.choice((max(low, 1), high, self.random.randint(max(low, 1), high)))
            )
        )

    def _damage(self, root: etree._Element) -> None:
        nodes = [node for node in root.iter() if isinstance(node.tag, str)]
        node = self.random.choice(nodes)
        change = self.random.choice(
            (self._remove, self._double, self._swap, self._rename, self._retext, self._retext, self._attribute, self._add,
             self._comment, self._wrap, self._unwrap, self._namespace, self._move, self._stray_text)
        )  # fmt: skip
        change(node, root)

    def _remove(self, node: etree._Element, root: etree._Element) -> None:
        if node is not root:
            node.getparent().remove(node)  # type: ignore[union-attr]  # not the root

    def _double(self, node: etree._Element, root: etree._Element) -> None:
        if node is not root:
            node.addnext(copy.deepcopy(node))

    def _swap(self, node: etree._Element, root: etree._Element) -> None:
        after = node.getnext()
        if node is not root and after is not None:
            after.addnext(node)

    def _rename(self, node: etree._Element, root: etree._Element) -> None:
        name = self.random.choice(self.names)
        node.tag = f"{{{self.structure.namespace}}}{name}" if node is root else name

    def _retext(self, node: etree._Element, root: etree._Element) -> None:
        leaves = [leaf for leaf in root.iter() if isinstance(leaf.tag, str) and len(leaf) == 0]
        if leaves:
            self.random.choice(leaves).text = self.random.choice(TEXTS)

    def _attribute(self, node: etree._Element, root: etree._Element) -> None:
        name, value = self.random.choice(ATTRIBUTES)
        (root if self.random.random() < 0.6 else node).set(name, value)

    def _add(self, node: etree._Element, root: etree._Element) -> None:
        node.insert(self.random.randint(0, len(node)), etree.Element(self.random.choice(self.names)))

    def _comment(self, node: etree._Element, root: etree._Element) -> None:
        node.insert(self.random.randint(0, len(node)), etree.Comment(" c "))

    def _wrap(self, node: etree._Element, root: etree._Element) -> None:
        if node is not root:
            parent = node.getparent()
            assert parent is not None
            shell = etree.Element(self.random.choice(self.names))
            parent.replace(node, shell)
            shell.append(node)

    def _unwrap(self, node: etree._Element, root: etree._Element) -> None:
        if node is not root and len(node):
            parent = node.getparent()
            assert parent is not None
            for child in reversed(node):
                node.addnext(child)
            parent.remove(node)

    def _namespace(self, node: etree._Element, root: etree._Element) -> None:
        space = self.random.choice((self.structure.namespace, "", "urn:other"))
        name = etree.QName(node).localname
        node.tag = f"{{{space}}}{name}" if space else name

    def _move(self, node: etree._Element, root: etree._Element) -> None:
        places = [place for place in root.iter() if isinstance(place.tag, str) and node not in place.iterancestors()]
        place = self.random.choice(places)
        if node is not root and place is not node:
            place.append(node)

    def _stray_text(self, node: etree._Element, root: etree._Element) -> None:
        if len(node):
            node[self.random.randrange(len(node))].tail = self.random.choice(("x", "  ", "\n", "01"))
