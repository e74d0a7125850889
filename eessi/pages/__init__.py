"""HTML pages: each one file, self-contained, with nothing loaded from elsewhere, readable by keyboard and screen reader."""

from eessi.pages.run import Recorded, run_report

__all__ = ["Recorded", "run_report"]
