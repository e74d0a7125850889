"""A second reading of the catalogue, straight from its JSON, that shares nothing with the toolkit. Main flow, two sides."""

import copy

OTHER = {"case_owner": "counterparty", "counterparty": "case_owner"}
HISTORY = {  # condition -> (whether facts decide as well, what the history must say)
    "F002 received from all counterparties": (False, lambda n, docs, at: n("F002") > 0),
    "fewer than two F018 sent so far": (False, lambda n, docs, at: n("F018") < 2),
    "only one counterparty, or as many F020 as F018 sent": (False, lambda n, docs, at: True),
    "more than one counterparty and fewer F020 than F018 sent": (False, lambda n, docs, at: False),
    "all F019 received": (False, lambda n, docs, at: {i for i, d in enumerate(docs) if d[1] == "F018"} <= {d[2] for d in docs if d[1] == "F019"}),
    "the A004 answers the current A003": (False, lambda n, docs, at: docs[at][2] == max(i for i, d in enumerate(docs) if d[1] == "A003")),
    "R001 is provisional, R002 reports deductions, no valid R003 yet": (True, lambda n, docs, at: n("R003") == 0),
    "R001 is final, R002 reports deductions, no valid R003 yet": (True, lambda n, docs, at: n("R003") == 0),
    "the R003 is an acceptance and there is no valid R004 yet": (True, lambda n, docs, at: n("R004") == 0),
    "R005 is final and a provisional R005 came before it": (True, lambda n, docs, at: n("R005") > 1),
    "the U010 requests follow-up and there is no earlier U011": (True, lambda n, docs, at: n("U011") == 0),
}  # fmt: skip


class Reader:  # open: (sender, SED, anchor) -> (row, depends on facts, answered document)
    def __init__(self, buc):
        self.rows = [(side, row) for row in buc["flow"] for side in OTHER if row["sender"] in (side, "either")]
        self.effects, self.docs, self.open = buc["effects"], [], {}
        for side, row in self.rows:
            if any(item["event"] == "case_start" and item["role"] == side for item in row["available_after"]):
                self.open[side, row["sed"], None if row["repeat_rule"] == "any_time" else "start"] = (row, False, None)

    def moves(self):
        return {(side, sed, parent, depends) for (side, sed, _), (_, depends, parent) in self.open.items()}

    def send(self, slot):
        new, at, (row, _, parent) = copy.copy(self), len(self.docs), self.open[slot]
        new.docs = [*self.docs, (slot[0], slot[1], parent, not self.docs)]
        # one document uses an offer that is not for any time; one starter opens a case, the offers of the others end
        new.open = {key: value for key, value in self.open.items() if (key != slot or row["repeat_rule"] == "any_time") and (self.docs or key[2] != "start")}
        for side, events in ((slot[0], ("draft_created", "sent")), (OTHER[slot[0]], ("received",))):
            new.effect(side, events, *new.docs[at])
            new.trigger(side, events[-1], at, *new.docs[at])
        return new

    def effect(self, side, events, _, sed, parent, starter):
        for row in self.effects:
            if (row["role"], row["sed"], row["effect"]) == (side, sed, "withdraw") and row["event"] in events and "condition" not in row:
                fits = row.get("only_if_parent") in (None, None if parent is None else self.docs[parent][1])
                if fits and (starter or not row.get("only_if_case_starter")) and "create" in row["operations"]:
                    self.open = {key: value for key, value in self.open.items() if key[:2] != (side, row["target_sed"]) or (row.get("scope") and value[2] != parent)}

    def trigger(self, side, event, at, _, sed, parent, starter):
        answers = None if parent is None else self.docs[parent][1]
        for sender, flow in self.rows:
            for row in flow["available_after"]:
                facts, history = HISTORY.get(row.get("condition"), ("condition" in row, lambda *_: True))
                fits = (starter or not row.get("only_if_case_starter")) and not (answers and row.get("only_if_trigger_has_no_parent")) and row.get("only_if_parent_of_trigger") in (None, answers)
                if fits and (sender, row["role"], row["event"], row.get("sed")) == (side, side, event, sed) and history(lambda code: sum(d[1] == code for d in self.docs), self.docs, at):
                    wanted, found = {"S053R": "S051", "DA073R": "DA071"}.get(sed, row.get("as_reply_to")), at
                    while wanted is not None and self.docs[found][1] != wanted:
                        found = self.docs[found][2]
                    anchor = found if wanted is not None else None if flow["repeat_rule"] == "any_time" and not facts else f"@{at}"
                    self.open[side, flow["sed"], anchor] = (flow, facts, None if wanted is None else found)
