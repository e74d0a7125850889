"""Hypothesis strategies of documents: for property tests of whoever reads, writes or checks SEDs.

Needs the extra ``testing``. Shrinking works on the choices made while a document is filled, so a failing example comes back small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eessi.errors import MissingExtra
from eessi.schemas.generator import Generated, Size, generate, near_misses
from eessi.schemas.structure import Structure

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["documents", "near_miss_documents"]


def documents(structure: Structure, sizes: Sequence[Size] = tuple(Size)) -> SearchStrategy[Generated]:
    """Valid documents of a structure.

    :raises MissingExtra: without Hypothesis.
    """
    _require_hypothesis()
    from hypothesis import strategies as st

    return st.builds(
        lambda source, size: generate(structure, source, size=size),
        st.randoms(use_true_random=False),
        st.sampled_from(list(sizes)),
    )


def near_miss_documents(structure: Structure, kinds: Sequence[str] | None = None) -> SearchStrategy[Generated]:
    """Documents with one labelled defect each.

    :param kinds: only these kinds of :func:`~eessi.schemas.generator.near_misses`.
    :raises MissingExtra: without Hypothesis.
    """
    _require_hypothesis()
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, kind: generate(structure, seed, size=Size.FULL, near_miss=kind),
        st.integers(0, 2**32),
        st.sampled_from(list(kinds or near_misses())),
    )


def _require_hypothesis() -> None:
    from importlib.util import find_spec

    if find_spec("hypothesis") is None:
        raise MissingExtra("testing", "generating documents with Hypothesis")
