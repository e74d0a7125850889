"""HTML pages: each one file, self-contained, with nothing loaded from elsewhere, readable by keyboard and screen reader."""

from eessi.pages.campaign import campaign_report
from eessi.pages.run import Recorded, run_report

__all__ = ["Recorded", "campaign_report", "run_report"]
