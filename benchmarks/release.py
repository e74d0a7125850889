"""The coordinator's work: the difference of two packages, and the impact of one on an archive.

Run: ``python -m benchmarks.release [--quick] [--output FILE.json]``. Baselines: compiling both packages with lxml; parsing and
validating each document against both versions with lxml alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from lxml import etree

from benchmarks.documents import hardened_parser
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi.release.difference import Difference, compare_packages
from eessi.release.impact import DocumentImpact, examine
from eessi.release.witness import rerooted
from eessi.schemas import CdmPackage, Registry
from eessi.schemas.generator import generate

OLD, NEW = "sandbox:1.0", "sandbox:1.1"
COMPILE, COMPARE, PROVE = "compile both packages with lxml", "difference of 280 SEDs", "difference with every witness"
TWICE, IMPACT = "lxml: parse, validate twice", "impact: parse, validate twice, name the cause"


def fresh(coordinates: str) -> tuple[CdmPackage, Registry]:
    """A package in a registry of its own, so that nothing compiled or resolved before is used again."""
    package = Registry.default().package(coordinates)
    return package, Registry((package,))


def compiled(_: int) -> int:
    count = 0
    for coordinates in (OLD, NEW):
        package, registry = fresh(coordinates)
        for entry in package.entries():
            count += registry.schema(entry.sed, entry.version) is not None
    return count


def difference_cases(*, proofs: bool) -> list[Case]:
    def compared(_: int) -> Difference:
        return compare_packages(fresh(OLD)[0], fresh(NEW)[0], witnesses=False)

    def proved(_: int) -> Difference:
        return compare_packages(fresh(OLD)[0], fresh(NEW)[0])

    def right_count(_: int, result: object) -> None:
        assert result == 560

    def right(_: int, result: object) -> None:
        assert isinstance(result, Difference)
        assert len(result.compared) == 280
        assert result.count()["refused"] > 2000

    def right_and_proved(_: int, result: object) -> None:
        right(_, result)
        assert isinstance(result, Difference)
        assert not result.unproved

    cases = [Case(COMPILE, compiled, right_count), Case(COMPARE, compared, right)]
    return [*cases, Case(PROVE, proved, right_and_proved)] if proofs else cases


def impact_cases(folder: Path, count: int) -> list[Case]:
    structure = Registry.default().structure("A001", "1.0", package=OLD)
    assert structure is not None
    files = []
    for number in range(count):
        file = folder / f"{number}.xml"
        file.write_bytes(generate(structure, number).data)
        files.append(file)
    old = fresh(OLD)[1].schema("A001", "1.0")
    new = fresh(NEW)[1].schema("A001", "1.1")
    assert old is not None
    assert new is not None
    parser = hardened_parser()
    namespace = "urn:eessi-toolkit:sandbox:1.1:A001"

    def twice(number: int) -> tuple[bool, bool]:
        root = etree.fromstring(files[number].read_bytes(), parser)
        return old.validate(root), new.validate(rerooted(root, namespace, keep=False))

    def impact(number: int) -> DocumentImpact:
        return examine(OLD, NEW, str(files[number]))

    def right(number: int, result: object) -> None:
        assert isinstance(result, DocumentImpact)
        accepted = twice(number)
        assert accepted[0]
        assert (result.outcome == "accepted") is accepted[1]

    def any_answer(_: int, result: object) -> None:
        assert isinstance(result, tuple)

    return [Case(TWICE, twice, any_answer), Case(IMPACT, impact, right)]


def main() -> None:
    options = arguments("difference and impact")
    rounds = 3 if options.quick else 5
    compared = measure(difference_cases(proofs=not options.quick), 1, baseline=COMPILE, rounds=rounds, sample=0.001)
    tables = [report("difference of two packages of 280 SEDs", compared, (Goal(COMPARE, 10, 3), Goal(PROVE)))]
    with tempfile.TemporaryDirectory() as folder:
        judged = measure(impact_cases(Path(folder), 40), 40, baseline=TWICE, rounds=options.rounds)
        tables.append(report("impact, one document after the other", judged, (Goal(IMPACT, 3, None),)))
    write_results("release", tables, options.output)


if __name__ == "__main__":
    main()
