"""What a scenario expects against what happened; every difference is one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from eessi.errors import EessiError
from eessi.sed import Sed
from eessi.testing.faults import ENDINGS, read_fault
from eessi.testing.record import ExchangeRecord
from eessi.testing.recording import masked
from eessi.testing.scenario import SendOptions, Step

__all__ = ["ANY", "judge_document", "judge_exchange", "matches"]

ANY = "*"
"""Any value: for identifiers and times, which differ in every run."""


def matches(because: str, rule: str | None, text: str | None) -> bool:
    """Whether an expected reason is the id of the rule, or words that the reason holds; letter case does not matter."""
    wanted = because.casefold()
    return wanted == (rule or "").casefold() or wanted in (text or "").casefold()


def judge_exchange(exchange: ExchangeRecord, step: Step, document: Sed) -> list[str]:
    """Everything about a sent document that is not as the step expects; without expectations it must be delivered."""
    options = step.options
    assert isinstance(options, SendOptions)
    expect = options.expect
    ending: str | None = expect.ending
    verdict: str | None = expect.verdict
    because = [expect.because] if expect.because else []
    for sentence in step.expects:
        if sentence.ending in ("refused", "rejected"):
            ending = sentence.ending
        else:
            verdict = sentence.ending
        if sentence.because:
            because.append(sentence.because)
    if ending is None:
        ending = _usual_ending(options, verdict)
    failures = []
    if exchange.ending != ending:
        reason = f": {exchange.reason}" if exchange.reason else ""
        failures.append(f"expected {ending}, it was {exchange.ending}{reason}")
    failures += _judge_check(exchange, verdict, because, expect.findings)
    return failures + judge_document(document, exchange.header, expect.header, expect.content)


def _usual_ending(options: SendOptions, verdict: str | None) -> str:
    """How a step ends that does not say it."""
    if verdict == "invalid" and not options.unchecked:
        return "refused"
    return ENDINGS.get(read_fault(options.fault).kind, "rejected") if options.fault else "delivered"


def _judge_check(
    exchange: ExchangeRecord, verdict: str | None, because: list[str], findings: tuple[str, ...]
) -> list[str]:
    failures = []
    check = exchange.before
    if verdict is not None and (check is None or check.verdict != verdict):
        failures.append(f"expected the check to say {verdict}, it says {check.verdict if check else 'nothing'}")
    checks = [one for one in (check, *exchange.after.values()) if one is not None]
    found = {finding.id for one in checks for finding in one.findings}
    failures += [
        f"expected the finding {id}; found: {', '.join(sorted(found)) or 'none'}" for id in findings if id not in found
    ]
    texts = [exchange.reason or "", *exchange.rejections.values(), *(f.message for one in checks for f in one.findings)]
    for reason in because:
        if reason not in found and not any(matches(reason, exchange.rule, text) for text in texts):
            failures.append(f"expected because {reason!r}; the reason is {exchange.reason!r} ({exchange.rule})")
    return failures


def judge_document(
    sed: Sed, header: Mapping[str, str], wanted_header: Mapping[str, str | None], wanted: Mapping[str, str | None]
) -> list[str]:
    """Every header value and every value of the document that is not as expected. Values are not repeated, only places."""
    failures = []
    for name, value in wanted_header.items():
        found = header.get(name)
        if name in ("sender", "receiver") and found is not None and value not in (None, ANY):
            found = found.partition(" ")[0]
        if not _fits(found, value):
            failures.append(f"header {name}: expected {value or 'nothing'}, it is {found or 'absent'}")
    for path, value in wanted.items():
        found = _value(sed, path)
        if not _fits(found, value):
            is_ = (
                "absent" if found is None else "there, and a group: name a value in it" if not found else masked(found)
            )
            failures.append(f"{sed.type}: {path} is not as expected: expected {_wanted(value)}, it is {is_}")
    return failures


def _wanted(value: str | None) -> str:
    return "nothing" if value is None else "any value" if value == ANY else "another value"


def _value(sed: Sed, path: str) -> str | None:
    """The text at a path, empty for a group; ``None`` where there is nothing."""
    if path not in sed:
        return None
    try:
        return " ".join(sed.values(path))
    except EessiError:
        return ""


def _fits(found: str | None, wanted: str | None) -> bool:
    if wanted is None:
        return found is None
    return found is not None if wanted == ANY else found == wanted
