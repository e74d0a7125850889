"""Memory: what a kept document costs beside its bytes, and whether a stream of documents leaves anything behind.

Run: ``python -m benchmarks.memory [--quick] [--output FILE.json]``. A kept document is counted as the growth of the process
(resident set) over many of them, in a process of its own per form; the stream by the same measure between two points.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.documents import documents, registry, schema_file, structure
from benchmarks.harness import arguments, write_results
from eessi import _xml
from eessi.schemas import Registry
from eessi.schemas.importer import package_of
from eessi.schemas.saved import open_package
from eessi.sed import receive, validate
from eessi.sed.models import models_of
from eessi.sed.records import records_of

FORMS = ("bytes", "record", "model", "tree")
MUST = {"record": (2.1, 1.7), "model": (6.0, None)}
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of memory that the process holds now (Linux)."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def make(form: str, data: bytes) -> object:
    """One document in a form, without anything of another form behind it."""
    root = _xml.parse(data)
    if form == "record":
        return records_of(structure()).read(data, root)
    if form == "model":
        return models_of(structure()).read(data, root)
    return root if form == "tree" else bytes(bytearray(data))


def kept(form: str, count: int) -> float:
    """Growth per kept document, as a multiple of its bytes."""
    data = documents("5 KB")
    warm = [make(form, one) for one in data for _ in range(5)]
    del warm
    gc.collect()
    before = resident()
    held = [make(form, data[number % len(data)]) for number in range(count)]
    gc.collect()
    grown = resident() - before
    assert len(held) == count
    return grown / sum(len(data[number % len(data)]) for number in range(count))


def streamed(count: int) -> float:
    """Growth in MiB over ``count`` documents received and let go, after a thousand to warm up."""
    data, packages = documents("5 KB"), registry()
    for number in range(1000):
        receive(data[number % len(data)], packages)
    gc.collect()
    before = resident()
    for number in range(count):
        received = receive(data[number % len(data)], packages)
        assert received.record is not None
    gc.collect()
    return (resident() - before) / 1024**2


def release(count: int, folder: Path) -> Path:
    """A package of ``count`` SEDs, each as large as S071, under codes of their own, saved as an import saves it."""
    schema = schema_file(folder).read_bytes()
    codes = [f"S{number:03}" for number in range(500, 500 + count)]
    files = {f"{code}-4.4.xsd": schema.replace(b"S071", code.encode()) for code in codes}
    return package_of(files, source="synthetic").save(folder / "package")


def in_use(package: Path, *, typed: bool) -> list[float]:
    """Growth in MiB after every schema of a release was compiled and its document judged, and once more after a second time.

    :param typed: read the documents into records too, which needs each tree.
    """
    data = documents("5 KB")[0]
    assert receive(data, registry()).record is not None  # what one schema alone needs is loaded
    packages, found = Registry().add(open_package(package)), []
    codes = [str(entry.sed) for entry in packages.packages[0].entries()]
    gc.collect()
    before = resident()
    for _ in range(2):
        for code in codes:
            document = data.replace(b"S071", code.encode())
            if typed:
                assert receive(document, packages).record is not None
            else:
                assert validate(document, packages).is_valid
        gc.collect()
        found.append((resident() - before) / 1024**2)
    return found


def in_its_own_process(*words: str) -> float:
    return numbers_of(*words)[0]


def numbers_of(*words: str) -> list[float]:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--measure", *words], capture_output=True, text=True, check=True
    )
    return [float(word) for word in result.stdout.split()]


def measure(work: str, what: str) -> list[float]:
    """What is measured in a process of its own."""
    if work in ("schemas", "types"):
        return in_use(Path(what), typed=work == "types")
    return [streamed(int(what)) if work == "stream" else kept(work, int(what))]


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(*measure(sys.argv[2], sys.argv[3]))
        return
    options = arguments(__doc__ or "")
    count = 2_000 if options.quick else 10_000
    lines, rows = [f"memory, S071 4.4, 5 KB, {count:,} documents"], []
    for form in FORMS:
        times = in_its_own_process(form, str(count))
        must, aim = MUST.get(form, (None, None))
        said = "" if must is None else f"<= {must:g}: {'met' if times <= must else 'MISSED'}"
        said += f" (aim {aim:g}{': met' if times <= aim else ''})" if aim is not None else ""
        lines.append(f"  kept as {form:<8} {times:6.2f} x wire bytes  {said}")
        rows.append({"case": f"kept as {form}", "ratio": times, "goal": said or None})
    grown = in_its_own_process("stream", str(count))
    said = f"< 1 MiB: {'met' if grown < 1 else 'MISSED'}"
    lines.append(f"  streamed, none kept: grows by {grown:.2f} MiB  {said}")
    rows.append({"case": "streamed", "mebibytes": grown, "goal": said})
    seds = 28 if options.quick else 280
    with tempfile.TemporaryDirectory() as place:
        package = release(seds, Path(place))
        for work, what in (("schemas", "judged"), ("types", "judged and typed")):
            once, twice = numbers_of(work, str(package))
            lines.append(f"  {seds} schemas in use, {what}: {once:.0f} MiB; a second time {twice - once:+.1f} MiB")
            rows.append({"case": f"{seds} schemas, {what}", "mebibytes": once, "again": twice - once})
    write_results("memory", [("\n".join(lines), rows)], options.output)


if __name__ == "__main__":
    main()
