"""Answers that are checked in as files, so that a change of them is seen in review.

``REWRITE=1 .venv/bin/python -m pytest tests/stories tests/schema`` writes them anew; then read what changed.
"""

import os
from pathlib import Path

REWRITE = bool(os.environ.get("REWRITE"))


def same_as(path: Path, text: str) -> None:
    """The text is the file's; or becomes it, under REWRITE."""
    if REWRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == (path.read_text(encoding="utf-8") if path.exists() else ""), f"{path.name} is not up to date"
