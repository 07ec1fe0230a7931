"""The text of a label config is parsed as Label Studio does, and only what is inserted changes."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.config_xml import insert_last, parse_config

CONFIG = '<View>\n  <Image name="image" value="$image"/> <!-- café, 图 -->\n</View>'
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=("Cc", "Cs", "Cn")), max_size=9
)


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        '<?xml version="1.0"?>',
        ' \n<?xml version="1.0" encoding="utf-8"?>\n',
        '<?xml version="1.0" encoding="latin-1"?>',
    ],
)
def test_a_declaration_changes_nothing(declaration):
    root = parse_config(declaration + CONFIG)
    assert [element.tag for element in root] == ["Image"]
    assert insert_last(declaration + CONFIG, "<Choices/>") == declaration + CONFIG.replace(
        "</View>", "<Choices/></View>"
    )


@given(NAMES)
def test_what_is_inserted_is_last_and_the_rest_stays(name):
    element = ElementTree.Element("Header", value=name)
    config = CONFIG.replace("</View>", ElementTree.tostring(element, encoding="unicode") + "</View>")
    longer = insert_last(config, '<Choice value="ü"/>')
    assert longer.replace('<Choice value="ü"/>', "", 1) == config
    assert [child.tag for child in parse_config(longer)] == ["Image", "Header", "Choice"]
    assert parse_config(longer)[1].get("value") == name


@pytest.mark.parametrize("config", ["", "   ", "<View>", "<View/><View/>", "no xml", "<View>\x00</View>"])
def test_what_is_no_xml_is_refused_in_words(config):
    with pytest.raises(Refusal, match="^The label config cannot be read: "):
        parse_config(config)
