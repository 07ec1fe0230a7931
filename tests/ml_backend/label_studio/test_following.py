"""When a label config changes, one-to-one renames of controls and classes are recognized, and all else is reported."""

from labelscape.ml_backend.label_studio.following import Followed, StoredControl, follow, stored_control

IMAGE = '<Image name="img" value="$image"/>'


def config(name: str = "kind", classes: str = "Cat Dog", more: str = "") -> str:
    options = "".join(f'<Choice value="{one}"/>' for one in classes.split())
    return f'<View>{IMAGE}{more}<Choices name="{name}" toName="img">{options}</Choices></View>'


def changed(*configs: str) -> Followed:
    """The control after reading each of these configs in turn, with state stored in between as in a dataset."""
    control: StoredControl | None = None
    for label_config in configs:
        followed = follow(label_config, control)
        control = stored_control(followed.to_store(label_config).as_info())
    return followed


def stored(name: str, label: str) -> list[dict[str, object]]:
    return [{"from_name": name, "to_name": "img", "type": "choices", "value": {"choices": [label]}}]


def test_a_renamed_control_reads_what_was_stored_under_its_old_names() -> None:
    followed = changed(config("kind"), config("sort"), config("type"))
    assert followed.control.from_name == "type"
    assert [followed.control.labels_of(stored(name, "Cat")) for name in ("kind", "sort", "type")] == [["Cat"]] * 3
    assert followed.name_changed
    assert "“sort” is now called “type”" in followed.notice_texts[0]


def test_a_renamed_class_is_read_by_its_newest_name_and_back() -> None:
    followed = changed(config(), config(classes="Kitty Dog"), config(classes="Felis Dog"))
    assert [followed.control.labels_of(stored("kind", name)) for name in ("Cat", "Kitty")] == [["Felis"], ["Felis"]]
    assert followed.renamed_classes == (("Kitty", "Felis"),)
    back = changed(config(), config(classes="Kitty Dog"), config())
    assert back.control.labels_of(stored("kind", "Kitty")) == ["Cat"]


def test_a_renamed_class_that_is_deleted_later_is_still_read_by_its_newest_name() -> None:
    followed = changed(config(), config(classes="Kitty Dog"), config(classes="Dog"))
    assert followed.control.stated(stored("kind", "Cat")) == ["Kitty"]
    assert followed.control.labels_of(stored("kind", "Cat")) == []
    assert "no longer has the class “Kitty”" in followed.notice_texts[0]
    again = changed(config(), config(classes="Kitty Dog"), config(classes="Dog"), config(classes="Cat Dog"))
    assert again.control.labels_of(stored("kind", "Cat")) == ["Cat"]


def test_a_class_that_goes_while_another_comes_elsewhere_is_no_rename() -> None:
    followed = changed(config(), config(classes="Dog Bird"))
    assert followed.control.renamed == ()
    assert "no longer has the class “Cat”" in followed.notice_texts[0]
    assert followed.control.stated(stored("kind", "Cat")) == ["Cat"]


def test_of_two_controls_that_could_be_the_renamed_one_none_is_followed_and_that_is_reported() -> None:
    two = '<Choices name="mood" toName="img"><Choice value="calm"/></Choices>'
    followed = changed(config(), config("sort", more=two))
    assert followed.control.former_names == ()
    assert "“kind” is gone" in followed.notice_texts[0]
    assert followed.control.is_silent(stored("kind", "Cat"))


def test_a_control_that_stays_is_kept_whatever_comes_before_it() -> None:
    two = '<Choices name="mood" toName="img"><Choice value="calm"/></Choices>'
    followed = changed(config(), config(more=two))
    assert (followed.control.from_name, followed.notice_texts) == ("kind", ())


def test_what_an_earlier_version_kept_is_understood() -> None:
    assert stored_control("kind") == StoredControl("kind")
    assert follow(config(), stored_control("kind")).notice_texts == ()
