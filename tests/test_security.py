"""What docs/security.md says is shown by tests is shown by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ROWS = [
    line for line in (ROOT.parent / "docs" / "security.md").read_text(encoding="utf-8").splitlines() if ".py`" in line
]


def test_threat_is_met_by_a_test_that_does_not_exist() -> None:
    rows = [row for row in ROWS if row.startswith("| ")]
    assert len(rows) > 25
    for row in rows:
        shown_by = row.rstrip("| ").rpartition(" | ")[2]
        files = [ROOT / "service" / name for name in re.findall(r"`((?:\.\./)?[\w/]+\.py)`", shown_by)]
        assert files, row
        sources = "".join(path.read_text(encoding="utf-8") for path in files)
        for test in re.findall(r"`(test_\w+)`", shown_by):
            assert f"def {test}(" in sources, row
