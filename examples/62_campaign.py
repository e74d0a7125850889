"""Run the security campaign against the toolkit's own institutions and trace every requirement to its checks."""

from eessi.testing.campaigns import find_kit, run_kit

record = run_kit(find_kit("testit"))

for check in record.results:
    print(f"{'passed' if check.passed else 'FAILED'}  {check.id}  {check.scenario}: {check.observed}")

print()
for requirement in record.requirements:
    print(f"{requirement.id} covered by {', '.join(requirement.checks)}: {requirement.text}")

raise SystemExit(0 if record.passed else 1)
