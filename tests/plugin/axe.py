"""Accessibility problems that axe-core finds in a panel (WCAG 2.1, levels A and AA)."""

import os
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = Path(__file__).resolve().parents[2] / "plugin/web/node_modules/axe-core/axe.min.js"


def load_axe(page: Any) -> None:
    """Load axe-core into a page; skips the test where it is not installed, except in CI."""
    if not _SCRIPT.exists():
        message = "axe-core is not installed: run scripts/setup web"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    page.evaluate(_SCRIPT.read_text())


def axe_faults(page: Any, root: str, where: str) -> list[str]:
    """Each fault below ``root`` with the element that has it."""
    violations = page.evaluate(
        "(root) => axe.run(root, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
        ".then(({violations}) => violations.flatMap(({id, nodes}) => nodes.map(({html}) => id + ' ' + html)))",
        root,
    )
    return [f"{where}: {fault[:300]}" for fault in violations]
