"""Write ``eessi/buc/definitions/<BUC>.toml`` from the catalogue of BUC facts.

Run once per new catalogue: ``python tools/make_buc_definitions.py ../shared/reference/catalogue/bucs.json``.
The files are then the truth: they are read and edited by hand. The script therefore refuses to overwrite a file
unless ``--overwrite`` is given, and a test compares every row with the catalogue.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "eessi" / "buc" / "definitions"
ROLES = {"case_owner": "CaseOwner", "counterparty": "Counterparty"}
FLAGS = (
    ("attachments", "attachments"),
    ("update", "updatable"),
    ("invalidate", "invalidatable"),
    ("reject", "rejectable"),
    ("clarify", "clarifiable"),
    ("bulk", "bulk"),
    ("choose_receivers", "recipient_choice"),
    ("again_after_invalidation", "recreate_after_invalidation"),
)
BLOCKS = {"X001": "close", "X002": "reopen", "X005": "add", "X006": "remove", "X007": "forward", "X009": "remind"}
TARGET_BLOCKS = {"X008": "invalidate", "X011": "reject", "X012": "clarify"}
AD_BLOCKS = {
    "AD_BUC_01": "close", "AD_BUC_02": "reopen", "AD_BUC_03": "add", "AD_BUC_04": "remove", "AD_BUC_05": "forward",
    "AD_BUC_06": "invalidate", "AD_BUC_07": "remind", "AD_BUC_08": "clarify", "AD_BUC_09": "reject",
    "AD_BUC_10": "update", "AD_BUC_11": "exception", "AD_BUC_12": "change",
}  # fmt: skip

CONDITIONS = {
    "section 5.1 of the DA002 is answered yes": "DA002 section 5.1 answered yes",
    "section 4.1 of the DA002 is answered yes": "DA002 section 4.1 answered yes",
    "the settlement shows an overpayment": "{sed} shows an overpayment",
    "F002 received from all counterparties": "F002 received from all counterparties",
    "fewer than two F018 sent so far": "fewer than two F018 sent",
    "only one counterparty, or as many F020 as F018 sent": "one counterparty or as many F020 as F018 sent",
    "all F019 received": "all F019 received",
    "more than one counterparty and fewer F020 than F018 sent": "several counterparties and fewer F020 than F018 sent",
    "the H120 asks for estimated costs": "H120 asks for estimated costs",
    "the H130 asked for estimated costs": "H130 asked for estimated costs",
    "the A004 answers the current A003": "A004 answers the current A003",
    "the P12000 asks for a P13000": "P12000 asks for a P13000",
    "R001 is provisional, R002 reports deductions, no valid R003 yet": "provisional R001, deductions, no valid R003",
    "R001 is final, R002 reports deductions, no valid R003 yet": "final R001, deductions, no valid R003",
    "the R003 is an acceptance and there is no valid R004 yet": "R003 accepts, no valid R004",
    "the R005 is provisional": "R005 is provisional",
    "R005 is provisional, or is final with no provisional R005 before it": "R005 provisional or first",
    "R005 is final and a provisional R005 came before it": "R005 final after a provisional one",
    "the R005 is final": "R005 is final",
    "the R017 concerns a debt and the R018 reports recovery": "R017 concerns a debt and R018 reports recovery",
    "the R018 reports recovery and additional information": "R018 reports recovery and additional information",
    "section 7 of the S072 is filled in": "S072 section 7 filled in",
    "the U010 requests follow-up and there is no earlier U011": "U010 requests follow-up, no earlier U011",
    "the U010 requests no follow-up": "U010 requests no follow-up",
    "all A012 for the A003 have arrived": "all A012 for the A003 have arrived",
    "no document sent yet, or the sent one was cancelled": "no valid document sent yet",
    "an R002 exists that is not cancelled": "a valid R002 exists",
}
"""Wording of the catalogue -> name in ``eessi/buc/definitions/conditions.toml``."""

# What the catalogue tells as a note on versions or beside the rows, as changes to the rows. Keys: (BUC, SED).
ROW_SINCE = {("AW_BUC_01b", "DA003A"): "4.2", ("AW_BUC_02", "DA003A"): "4.2"}
ROW_CHANGES: dict[tuple[str, str], dict[str, Any]] = {
    ("AW_BUC_02", "DA003"): {"until": "4.1", "update": False},
    ("AW_BUC_04a", "DA007"): {"until": "4.1", "update": True},
    ("H_BUC_04", "H021"): {"until": "4.1", "invalidate": False},
    ("H_BUC_10", "H020"): {"until": "4.1", "invalidate": False},
    ("H_BUC_10", "H021"): {"until": "4.1", "invalidate": False},
    **{(buc, sed): {"until": "4.1", "invalidate": False} for buc in ("P_BUC_01", "P_BUC_03", "P_BUC_10") for sed in ("H020", "H021")},
}  # fmt: skip
BLOCK_SINCE = {
    ("AW_BUC_01b", "remind"): {"CaseOwner": "4.2"},
    ("AW_BUC_02", "remind"): {"CaseOwner": "4.2"},
    ("P_BUC_03", "remove"): {"Counterparty": "4.2"},
}
ONLY_ITSELF_SINCE = {"P_BUC_01": "4.2", "P_BUC_02": "4.2"}
EFFECTS_SINCE = {"AW_BUC_23": "4.2", "S_BUC_23": "4.2"}
H004_REPLIES_SINCE_43 = {"FB_BUC_01", "FB_BUC_02", "FB_BUC_03", "LA_BUC_01", "LA_BUC_02", "UB_BUC_03"}
EXTRA_ROWS = {
    "S_BUC_18": [
        {
            "sed": "S050", "by": ["CaseOwner"], "repeat": "once", "attachments": True,
            "after": [{"role": "CaseOwner", "event": "received", "sed": "S130"}],
            "since": "4.3", "source": "euxarch; trigger by analogy with S_BUC_18a", "confidence": "low",
        }
    ]
}  # fmt: skip
EXTRA_TRIGGERS = {
    ("S_BUC_18", "S130"): [
        {"role": "Counterparty", "event": "received", "sed": "S050", "reply_to": "S050", "since": "4.3", "source": "euxarch"}
    ]
}  # fmt: skip
EXTRA_EFFECTS = {
    "FB_BUC_03": [
        {"role": "CaseOwner", "event": "sent", "sed": sed, "effect": "withdraw", "target": other,
         "operations": ["create", "send", "update"], "starter": True,
         "source": "general rule: sending one alternative starter withdraws the others", "confidence": "low"}
        for sed, other in (("F018", "F021"), ("F021", "F018"))
    ]
}  # fmt: skip
PEER_ANCESTOR = {"DA073R": "DA071", "S053R": "S051"}
"""Triggers that a custom handler of the source answers: the reply slots of this ancestor open again."""


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{key} = {literal(item)}" for key, item in value.items()) + " }"
    return "[" + ", ".join(literal(item) for item in value) + "]"


def lines_of(table: Mapping[str, Any]) -> list[str]:
    out = []
    for key, value in table.items():
        if isinstance(value, Sequence) and not isinstance(value, str) and value and isinstance(value[0], Mapping):
            out += [f"{key} = [", *(f"  {literal(item)}," for item in value), "]"]
        else:
            out.append(f"{key} = {literal(value)}")
    return out


def trigger(row: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"role": ROLES[row["role"]], "event": row["event"]}
    for new, old in (
        ("sed", "sed"), ("reply_to", "as_reply_to"), ("starter", "only_if_case_starter"),
        ("unparented", "only_if_trigger_has_no_parent"), ("parent", "only_if_parent_of_trigger"), ("days", "delay_days"),
    ):  # fmt: skip
        if old in row:
            out[new] = row[old]
    if row.get("custom_handler"):
        out["reply_to"] = PEER_ANCESTOR[row["sed"]]
        out["again"] = True
        out["note"] = "a custom handler in the source opens the reply again"
    if "condition" in row:
        out["condition"] = CONDITIONS[row["condition"]].format(sed=row.get("sed"))
    return out


def send_row(buc: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    code, sed = buc["code"], row["sed"]
    senders = ["CaseOwner", "Counterparty"] if row["sender"] == "either" else [ROLES[row["sender"]]]
    out: dict[str, Any] = {"sed": sed, "by": senders}
    if row["kind"] == "horizontal":
        out["process"] = row["subprocess_of"]
    if row["starter"]:
        out["starter"] = True
    out["repeat"] = "any_time" if row["repeat_rule"] == "any_time" else "once"
    out["after"] = [trigger(item) for item in row["available_after"]] + EXTRA_TRIGGERS.get((code, sed), [])
    if code in H004_REPLIES_SINCE_43 and sed == "H004":
        out["after"] = [{**item, "until": "4.2"} for item in out["after"]] + [
            {"role": role, "event": "received", "sed": "H003", "reply_to": "H003", "since": "4.3", "source": "euxarch"}
            for role in senders
        ]
    if code == "UB_BUC_01" and row["starter"]:
        for item in out["after"]:
            if item["event"] == "sent":
                item["since"] = "4.2"
    out.update({new: True for new, old in FLAGS if row[old]})
    if (code, sed) in ROW_CHANGES:
        out["changes"] = [ROW_CHANGES[code, sed]]
    if (code, sed) in ROW_SINCE:
        out["since"] = ROW_SINCE[code, sed]
    out["source"] = "dmt"
    out["confidence"] = buc["confidence"]
    return out


def effect_row(buc: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"role": ROLES[row["role"]], "event": row["event"], "sed": row["sed"]}
    out |= {"effect": row["effect"], "target": row["target_sed"]}
    operations = ["create" if item == "create_reply" else item for item in row["operations"]]
    out["operations"] = ["create", "send", "update"] if operations == ["any"] else operations
    if "only_if_parent" in row:
        out["parent"] = row["only_if_parent"]
    if row.get("scope") == "same_parent":
        out["same_parent"] = True
    if row.get("only_if_case_starter"):
        out["starter"] = True
    if "condition" in row:
        out["condition"] = CONDITIONS[row["condition"]].format(sed=row.get("sed"))
    if buc["code"] == "UB_BUC_04" and row["sed"] == "U024" and row["target_sed"] == "X008":
        out["target_parents"] = ["U021", "U023"]
    if buc["code"] in EFFECTS_SINCE:
        out["since"] = EFFECTS_SINCE[buc["code"]]
    out["source"] = "dmt"
    out["confidence"] = buc["confidence"]
    return out


def administrative(buc: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    code, out = buc["code"], dict[str, dict[str, Any]]()
    for sed, row in buc["admin_seds"].items():
        if sed in BLOCKS:
            block: dict[str, Any] = {"by": [ROLES[role] for role in row["may_send"]]}
            if sed == "X001":
                block["after"] = [trigger(item) for item in buc["closing_rule"]["global_close"]["available_after"]]
            if row.get("counterparty_may_remove_only_itself"):
                block["only_itself"] = ["Counterparty"]
                if code in ONLY_ITSELF_SINCE:
                    block["only_itself_since"] = ONLY_ITSELF_SINCE[code]
            if (code, BLOCKS[sed]) in BLOCK_SINCE:
                block["since"] = BLOCK_SINCE[code, BLOCKS[sed]]
            out[BLOCKS[sed]] = block
        elif sed in TARGET_BLOCKS:
            out[TARGET_BLOCKS[sed]] = {}
    out["update"] = {}
    out["exception"] = {}
    out["change"] = {}
    return out


def practices(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "practice" not in rule:
        return []
    row = rule["practice"]
    out = {"country": "NO"}
    for new, old in (
        ("text", "rule"), ("inactive_days", "inactive_days"), ("criterion", "criterion"),
        ("owner", "when_case_owner"), ("counterparty", "when_counterparty"), ("note", "note"), ("source", "source"),
    ):  # fmt: skip
        if row.get(old) is not None:
            out[new] = row[old]
    return [out]


def definition(buc: Mapping[str, Any]) -> str:
    code = buc["code"]
    head: dict[str, Any] = {"format": 1, "code": code, "sector": buc["sector"], "title": buc["name_en"]}
    titles = {
        **({"nb": buc["name_nb"]} if buc["name_nb"] else {}),
        **{f"{k}_published": v for k, v in buc["names"].items()},
    }
    if titles:
        head["titles"] = titles
    if buc["participants"]:
        head["participants"] = buc["participants"]
    head |= {
        "versions": buc["cdm_versions"],
        "legal_basis": buc["legal_basis"],
        "legal_basis_source": buc["legal_basis_source"],
        "legal_basis_confidence": buc["legal_basis_confidence"],
        "confidence": buc["confidence"],
        "completeness": buc["flow_completeness"],
        "sources": buc["sources"],
        "notes": buc["notes"],
        "version_notes": buc["version_notes"],
    }
    if code in AD_BLOCKS:
        head["block"] = AD_BLOCKS[code]
    out = [
        f"# {code}: {buc['name_en']}. Source: catalogue of BUC facts ({', '.join(buc['sources'])}), 2026-11.",
        *lines_of(head),
    ]
    if code in AD_BLOCKS:
        return "\n".join(out) + "\n"
    effects = [effect_row(buc, row) for row in buc["effects"]] + EXTRA_EFFECTS.get(code, [])
    if effects:
        out += ["", *lines_of({"effects": effects})]
    rule = buc["closing_rule"]
    closing: dict[str, Any] = {"local": [ROLES[role] for role in rule["local_close_by"]]}
    closing["rule"] = rule["rule"] or "unknown"
    if rule["delete_and_change_participants_only_before_first_send"]:
        closing["participants_until_first_send"] = True
    closing["source"] = "dmt"
    out += ["", "[closing]", *lines_of(closing)]
    for practice in practices(rule):
        out += ["", "[[practice]]", *lines_of(practice)]
    out += ["", "[administrative]", *lines_of(administrative(buc))]
    for row in buc["flow"]:
        out += ["", "[[send]]", *lines_of(send_row(buc, row))]
    for row in EXTRA_ROWS.get(code, []):
        out += ["", "[[send]]", *lines_of(row)]
    for row in buc["horizontal_subprocesses"]:
        out += ["", "[[horizontal]]", *lines_of(send_row(buc, row))]
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path, help="bucs.json of the catalogue of BUC facts")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist, edits by hand included")
    arguments = parser.parse_args()
    bucs = json.loads(arguments.catalogue.read_text(encoding="utf-8"))
    existing = [buc["code"] for buc in bucs if (TARGET / f"{buc['code']}.toml").exists()]
    if existing and not arguments.overwrite:
        print(f"{len(existing)} definitions exist, {existing[0]} first; --overwrite replaces them", file=sys.stderr)
        return 1
    for buc in bucs:
        (TARGET / f"{buc['code']}.toml").write_text(definition(buc), encoding="utf-8")
    print(f"{len(bucs)} definitions written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
