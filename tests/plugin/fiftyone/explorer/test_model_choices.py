"""The ways to make embeddings, as the panel's form lists them."""

from labelscape.plugin.fiftyone.explorer.model_choices import model_choices


def test_every_way_has_a_title_that_is_not_its_key():
    titles = {choice["way"]: choice["title"] for choice in model_choices()}
    assert [way for way, title in titles.items() if way == title] == []
    assert len(set(titles.values())) == len(titles)
