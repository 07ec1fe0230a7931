"""The text of a label config as XML: parse it, or insert elements and leave the rest of the text as it is."""

import re
from xml.etree import ElementTree
from xml.parsers import expat

from ..errors import Refusal

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def undeclared(config: str) -> str:
    """A label config with spaces instead of an XML declaration.

    The declaration names the encoding of bytes, which does not apply to a text, and Label Studio accepts one after
    whitespace, which XML does not allow.
    """
    return _DECLARATION.sub(lambda match: " " * len(match.group()), config)


def parse_config(config: str) -> ElementTree.Element:
    """The root element of a label config.

    Raises:
        Refusal: it cannot be parsed.
    """
    try:
        return ElementTree.fromstring(undeclared(config))
    except ElementTree.ParseError as error:
        raise Refusal(f"The label config cannot be read: {error}.") from error


def insert_last(config: str, elements: str) -> str:
    """A label config with more elements at the end of its root; comments and layout stay.

    Args:
        config: one that `parse_config` reads.
        elements: XML.
    """
    parser = expat.ParserCreate("utf-8")
    ends: list[int] = []
    parser.EndElementHandler = lambda _name: ends.append(parser.CurrentByteIndex)
    parser.Parse(undeclared(config).encode(), True)  # of the same length in bytes: only ASCII became spaces
    encoded, end = config.encode(), ends[-1]
    return (encoded[:end] + elements.encode() + encoded[end:]).decode()
