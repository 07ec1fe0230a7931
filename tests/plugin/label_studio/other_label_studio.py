"""Stands in for another Label Studio: loads its modules, or those of our app, with other text in their source.

A test puts a copy of this file on the server's Python path as `sitecustomize.py`. The variable REPLACED holds, as JSON,
part of a module's path → text → other text.
"""

import importlib.machinery
import json
import os
from types import CodeType
from typing import Any

_replaced: dict[str, dict[str, str]] = json.loads(os.environ.get("REPLACED", "{}"))
_get_code = importlib.machinery.SourceFileLoader.get_code


def _code_with_other_text(self: Any, fullname: str) -> CodeType | None:
    path = self.get_filename(fullname)
    texts = {old: new for part, pairs in _replaced.items() if part in path for old, new in pairs.items()}
    if not texts:
        return _get_code(self, fullname)
    source = self.get_data(path).decode()
    for old, new in texts.items():
        source = source.replace(old, new)
    return compile(source, path, "exec", dont_inherit=True)


importlib.machinery.SourceFileLoader.get_code = _code_with_other_text  # type: ignore[method-assign, assignment]
