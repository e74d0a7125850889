"""The page of a campaign: requirements with the checks that cover them, every check, and room for signatures."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from eessi.pages.rendering import embedded_json, render

__all__ = ["campaign_report"]


def campaign_report(record: Mapping[str, JsonValue]) -> str:
    """One HTML page from the JSON record of a campaign.

    :raises MissingExtra: without the extra ``pages``.
    """
    results = record["results"]
    assert isinstance(results, list)
    checks = [check for check in results if isinstance(check, Mapping)]
    lines: dict[str, None] = {}
    for check in checks:
        left = check.get("not_checked")
        lines.update(dict.fromkeys(str(line) for line in left) if isinstance(left, list) else {})
    return render(
        "campaign.html.j2",
        {
            "data": record,
            "passed": sum(1 for check in checks if check["passed"]),
            "failed": [check for check in checks if not check["passed"]],
            "open": list(lines),
            "json": embedded_json({"schema_version": 1, **record}),
        },
    )
