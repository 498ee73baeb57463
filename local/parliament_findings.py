"""Prints what parliament finds in policies, one JSON object per finding.

Its own command writes to a fixed file in the shared temporary folder, so only one user of a machine can run it; this calls its library.
Run by `cargo xtask lint`, in the environment of its tools: `python parliament_findings.py <policy.json> …`.
"""

import json
import sys

from parliament import analyze_policy_string, config, enhance_finding


def main(paths: list[str]) -> None:
    for path in paths:
        with open(path, encoding="utf-8") as file:
            policy = analyze_policy_string(file.read(), path, config=config)
        for finding in policy.findings:
            finding = enhance_finding(finding)
            # The findings that parliament hides by default.
            if finding.severity == "MUTE":
                continue
            location = {key: str(value) for key, value in finding.location.items() if key != "filepath"}
            report = {
                "path": path,
                "issue": finding.issue,
                "title": finding.title,
                "detail": finding.detail,
                "location": location,
            }
            print(json.dumps(report, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
