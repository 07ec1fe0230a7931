"""JSON from Label Studio without lone surrogates: halves of a character, which MongoDB and HTTP cannot hold."""

import json
import re
from typing import Any

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")  # escaped, or as bytes


def read_json(content: bytes) -> Any:
    """Read JSON; half a character becomes “�”, so that one odd text never stops the rest.

    Raises:
        ValueError: it is not JSON.
    """
    value = json.loads(content)
    return _whole(value) if _SURROGATE.search(content) else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(element) for name, element in value.items()}
    return [_whole(element) for element in value] if isinstance(value, list) else value
