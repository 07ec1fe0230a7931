"""A menu on the task, for a Label Studio that cannot load the Labelscape app: one more Choices in the label config.

What an annotator chooses there arrives with the annotation. The annotation itself stays as it was submitted.
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ..errors import Refusal
from .config_xml import insert_last, parse_config

NAME = "labelscape"
LABEL_NEIGHBORS = "Label neighbors"
UNDO = "Undo my last Labelscape action"
COMMANDS = (LABEL_NEIGHBORS, UNDO)


def add_menu(config: str, to_name: str) -> str:
    """A label config with the menu as its last control; one that has it already stays as it is.

    Args:
        to_name: the object that is labeled.

    Raises:
        Refusal: the config cannot be parsed, or uses the menu's name for something else.
    """
    root = parse_config(config)
    named = [element for element in root.iter() if element.get("name") == NAME]
    if any(map(is_menu, named)):
        return config
    if named:
        raise Refusal(f"The label config already has something called “{NAME}”: rename it, then run this again.")
    choices = "".join(f"<Choice value={quoteattr(command)}/>" for command in COMMANDS)
    opening = f'<Choices name="{NAME}" toName={quoteattr(to_name)} choice="single" showInLine="true">'
    menu = f'<View><Header value="Labelscape" size="6"/>{opening}{choices}</Choices></View>'
    return insert_last(config, menu)


def is_menu(element: ElementTree.Element) -> bool:
    """Whether a control of a label config is the menu."""
    if element.tag != "Choices" or element.get("name") != NAME:
        return False
    return any(choice.get("value") in COMMANDS for choice in element.iter("Choice"))


def is_menu_item(item: Any) -> bool:
    """Whether an item of a result is an answer of the menu, and not of another control of that name."""
    if not isinstance(item, Mapping) or item.get("from_name") != NAME or item.get("type") != "choices":
        return False
    value = item.get("value")
    chosen = value.get("choices") if isinstance(value, Mapping) else None
    return isinstance(chosen, list) and bool(chosen) and all(command in COMMANDS for command in chosen)


def command_of(result: Any) -> str:
    """What a result asks for in the menu; "" for nothing."""
    items = result if isinstance(result, list) else []
    return next((str(item["value"]["choices"][0]) for item in items if is_menu_item(item)), "")
