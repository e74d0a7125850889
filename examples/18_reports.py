"""One verdict, several reports: JSON for scripts, JUnit for build servers, SARIF for editors, a page for people.

Run from the project's folder: python examples/18_reports.py
"""

import json
from pathlib import Path

import eessi
from eessi.findings.report import Judged, count
from eessi.findings.report_json import as_json
from eessi.findings.report_junit import as_junit
from eessi.findings.report_sarif import as_sarif
from eessi.pages.verdict import verdict_report

registry = eessi.Registry.default()
documents = sorted((Path(__file__).parent / "documents").glob("*.xml"))
results = [Judged(file.name, eessi.validate(file, registry)) for file in documents]

print(count(results))
print("JSON:", json.loads(as_json(results))["summary"])
print("JUnit:", as_junit(results).splitlines()[1].strip())
print("SARIF:", len(json.loads(as_sarif(results))["runs"][0]["results"]), "results with regions")
print("HTML:", verdict_report(results).count("<section"), "sections")
