"""Texts in files: Excel for reviewers, PO for translation tools. Both ways, with the review state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from eessi.errors import InputError, MissingExtra
from eessi.release.labels import ReviewState, Text

__all__ = ["read_texts", "write_texts"]

_COLUMNS = ("key", "English", "own wording", "text", "state", "reviewer", "note")


def write_texts(texts: Iterable[Text], file: Path, *, lang: str, package: str, beside: Iterable[Text] = ()) -> None:
    """Write an ``.xlsx`` or ``.po`` file, by its ending.

    :param beside: another country's version of the same texts, shown in a column (Excel) or a remark (PO).
    :raises MissingExtra: when the library for that form is not installed. :raises InputError: for another ending.
    """
    if file.suffix == ".xlsx":
        _write_xlsx(tuple(texts), file, lang, {text.key: text.text for text in beside})
    elif file.suffix == ".po":
        _write_po(tuple(texts), file, lang, package, {text.key: text.text for text in beside})
    else:
        raise InputError("write to a file that ends in .xlsx or .po", source=str(file))


def read_texts(file: Path) -> tuple[Text, ...]:
    """Read what reviewers sent back.

    :raises InputError: when the file is neither, or damaged, or a column or state is unknown; with the row.
    """
    if file.suffix == ".xlsx":
        return _read_xlsx(file)
    if file.suffix == ".po":
        return _read_po(file)
    raise InputError("expected a file that ends in .xlsx or .po", source=str(file))


def _write_xlsx(texts: tuple[Text, ...], file: Path, lang: str, beside: Mapping[str, str]) -> None:
    from eessi.release.excel import write_sheet

    rows = [
        (text.key, text.source, "yes" if text.own else "", text.text, str(text.state), text.reviewer, text.note)
        + ((beside.get(text.key, ""),) if beside else ())
        for text in texts
    ]
    columns = (*_COLUMNS, "other version") if beside else _COLUMNS
    write_sheet(file, f"texts {lang}", columns, rows, widths=(40, 50, 12, 50, 14, 16, 40, 50)[: len(columns)])


def _read_xlsx(file: Path) -> tuple[Text, ...]:
    from eessi.release.excel import read_sheet

    found = []
    for number, row in read_sheet(file, _COLUMNS):
        state = _state(row["state"], f"{file}: row {number}")
        own = row["own wording"] == "yes"
        found.append(Text(row["key"], row["English"], own, row["text"], state, row["reviewer"], row["note"]))
    return tuple(found)


def _state(word: str, where: str) -> ReviewState:
    try:
        return ReviewState(word) if word else ReviewState.UNREVIEWED
    except ValueError:
        known = ", ".join(ReviewState)
        raise InputError(f"{word!r} is not a review state; use one of {known}", source=where) from None


def _write_po(texts: tuple[Text, ...], file: Path, lang: str, package: str, beside: Mapping[str, str]) -> None:
    try:
        import polib
    except ModuleNotFoundError:
        raise MissingExtra("release", "writing PO files") from None
    catalogue = polib.POFile()
    catalogue.metadata = {
        "Project-Id-Version": package,
        "Language": lang,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for text in texts:
        entry = polib.POEntry(msgctxt=text.key, msgid=text.source, msgstr=text.text)
        if text.text and text.state is not ReviewState.REVIEWED:
            entry.flags.append("fuzzy")
        remarks = ["own wording, not official"] if text.own else []
        remarks += [f"other version: {beside[text.key]}"] if beside.get(text.key) else []
        entry.comment = "\n".join(remarks)
        entry.tcomment = "\n".join(
            line for line in (f"reviewer: {text.reviewer}" if text.reviewer else "", text.note) if line
        )
        catalogue.append(entry)
    catalogue.save(str(file))


def _read_po(file: Path) -> tuple[Text, ...]:
    try:
        import polib
    except ModuleNotFoundError:
        raise MissingExtra("release", "reading PO files") from None
    try:
        catalogue = polib.pofile(str(file), check_for_duplicates=True)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"not a PO file: {str(error).splitlines()[0]}", source=str(file)) from None
    found = []
    for entry in catalogue:
        if not entry.msgstr:
            state = ReviewState.MISSING
        else:
            state = ReviewState.UNREVIEWED if entry.fuzzy else ReviewState.REVIEWED
        lines = entry.tcomment.splitlines()
        reviewer = next((line[10:] for line in lines if line.startswith("reviewer: ")), "")
        note = "\n".join(line for line in lines if not line.startswith("reviewer: "))
        own = entry.comment.startswith("own wording")
        found.append(Text(entry.msgctxt or "", entry.msgid, own, entry.msgstr, state, reviewer, note))
    return tuple(found)
