"""The Python of the guide runs, and prints what the guide shows.

A page's ```python blocks are one session, in order. A ```text block directly behind one is what it prints; an ellipsis,
…, stands for anything within a line, for figures that differ between runs and machines.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n?^```text\n(?P<output>.*?)^```$)?", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    line: int
    code: str
    output: str | None


def steps(page: str) -> list[Step]:
    return [Step(page.count("\n", 0, found.start("code")) + 1, found["code"], found["output"])
            for found in BLOCK.finditer(page)]


def agrees(printed: str, shown: str) -> bool:
    """Line by line, without regard to blanks at the ends."""
    def pattern(line: str) -> str:
        return ".*".join(re.escape(part) for part in line.rstrip().split("…"))

    lines = [line.rstrip() for line in printed.rstrip().splitlines()]
    wanted = shown.rstrip().splitlines()
    return len(lines) == len(wanted) and all(re.fullmatch(pattern(w), l) for w, l in zip(wanted, lines))


@pytest.mark.parametrize("page", [p for p in PAGES if steps(p.read_text(encoding="utf-8"))], ids=lambda p: p.name)
def test_a_page_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch):
    pytest.importorskip("aurex", reason="the Python package is not built")
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    for step in steps(page.read_text(encoding="utf-8")):
        printed = io.StringIO()
        # Lines count as on the page, which is what a traceback shows.
        code = compile("\n" * (step.line - 1) + step.code, str(page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, session)  # noqa: S102 - the guide's own code
        if step.output is not None:
            assert agrees(printed.getvalue(), step.output), f"{page.name}:{step.line} printed\n{printed.getvalue()}"


def test_blocks_are_found_with_their_lines_and_outputs():
    page = "text\n```python\na = 1\n```\n\n```text\nshown\n```\n```python\nb = 2\n```\nmore\n```text\nother\n```\n"
    assert steps(page) == [Step(3, "a = 1\n", "shown\n"), Step(10, "b = 2\n", None)]


@pytest.mark.parametrize("printed, shown, same", [
    ("one\ntwo\n", "one\ntwo\n", True),
    ("took 3.5 ms\n", "took … ms\n", True),
    ("took 3.5 s\n", "took … ms\n", False),
    ("one\ntwo\n", "one\n", False),
    ("a.c\n", "abc\n", False),
])
def test_an_ellipsis_stands_for_anything_within_a_line(printed, shown, same):
    assert agrees(printed, shown) == same
