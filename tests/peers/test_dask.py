"""Another engine's executor: Dask's, with worker processes of its own, does the jobs over stored documents as any other."""

from __future__ import annotations

import attrs
import pytest

from eessi import bulk
from eessi.release.stored import Archive
from tests.release.test_stored import archive
from tests.test_bulk import KEYS, WANTED, squared

__all__ = ["archive"]

pytestmark = pytest.mark.peers

distributed = pytest.importorskip("distributed", reason="Dask is a peer: pip install -e '.[dev]' brings it")


def test_dask_gives_the_same(archive: Archive) -> None:  # the fixture
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        assert list(bulk.run(squared, KEYS, str, executor=executor)) == WANTED
        there = attrs.evolve(archive, executor=executor)
        assert there.revalidate() == archive.revalidate()
        assert there.rehearse("sandbox:1.1") == archive.rehearse("sandbox:1.1")
        assert there.impact("sandbox:1.0", "sandbox:1.1") == archive.impact("sandbox:1.0", "sandbox:1.1")
