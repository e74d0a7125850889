"""The three test campaigns: *moveit* (transfer), *exit* (processes), *testit* (security), and kits of other packages."""

from __future__ import annotations

from eessi.testing.campaigns.folder import folder_kit, write_template
from eessi.testing.campaigns.kit import CampaignRecord, CheckRecord, Kit, Options, find_kit, kits, run_kit

__all__ = [
    "CampaignRecord",
    "CheckRecord",
    "Kit",
    "Options",
    "find_kit",
    "folder_kit",
    "kits",
    "run_kit",
    "write_template",
]
