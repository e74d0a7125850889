"""Load a copy in a process of its own that may not take more memory than told; prints the peak, in MiB.

Run: python -m tests.directory.loaded_within STORE COPY MOST_MIB [KEPT]

KEPT is the largest document, in bytes, that is kept whole for proving its signature; the product's own limit without it.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def main() -> None:
    """Import all that is needed first, then draw the limit around what the load itself may add."""
    from eessi.directory.copy_signature import MOST_PROVED
    from eessi.directory.store import DirectoryStore

    place, file, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
    kept = int(sys.argv[4]) if len(sys.argv) > 4 else MOST_PROVED  # a smaller limit stands for a larger document
    with DirectoryStore.open(place) as store:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
        data = int(pages) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (data + most * 1024 * 1024,) * 2)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store.load(file, prove_up_to=kept)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)


if __name__ == "__main__":
    main()
