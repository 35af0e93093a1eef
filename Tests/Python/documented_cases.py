"""Tries a platform with requests made from docs/openapi.yaml, as documented and not, and judges its responses by it.

Arguments: the platform's URL, an operator's token, cases of an operation at most, and the folder for reports.
Prints a line of JSON: how many cases there were, and what failed. The cases are the same at every run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import schemathesis

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.yaml"


@schemathesis.hook
def filter_query(_context, query) -> bool:
    """Leaves out cases with a repeated parameter: of one the first value counts, which the document says in words."""
    return not any(isinstance(value, list) for value in (query or {}).values())


def run(url: str, token: str, examples: str, folder: Path) -> dict:
    report = folder / "report.json"
    program = Path(sys.executable).parent / "schemathesis"
    arguments = ["--url", url, "--header", f"Authorization: Bearer {token}", "--max-examples", examples]
    arguments += ["--report", "json", "--report-json-path", str(report), "--no-color", "--warnings", "off"]
    # In its folder: it keeps files where it runs.
    done = subprocess.run(
        [program, "--config-file", HERE / "schemathesis.toml", "run", DOCUMENT, *arguments], cwd=folder,
        # This file has the hooks, too.
        env={**os.environ, "SCHEMATHESIS_HOOKS": "documented_cases", "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=420)
    (folder / "output.txt").write_text(done.stdout)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout[-4000:])
    return {"code": done.returncode, "report": str(report), "output": done.stdout}


def main() -> None:
    url, token, examples, folder = sys.argv[1:]
    result = run(url, token, examples, Path(folder))
    summary = [line for line in result["output"].splitlines() if "generated" in line and line.strip()[:1].isdigit()]
    cases = int(summary[0].split()[0]) if summary else 0
    start = result["output"].find("= FAILURES =")
    failures = result["output"][start:start + 20000] if result["code"] else ""
    print(json.dumps({"cases": cases, "failures": failures}))


if __name__ == "__main__":
    main()
