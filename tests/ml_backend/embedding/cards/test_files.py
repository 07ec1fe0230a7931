"""Cards are drawn once for each content, and a medium that cannot be read has a reason instead of a card."""

from labelscape.cli.synthetic import write_motions
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.embedding.cards.drawing import HEIGHT, WIDTH
from labelscape.ml_backend.embedding.cards.files import card_path, draw_cards
from PIL import Image


def test_each_content_has_one_card_of_the_usual_size(tmp_path):
    media = [Media("", text=text) for text in ("where is my parcel?", "猫が好きです", "where is my parcel?")]
    paths = draw_cards(media, ["aa1", "bb2", "aa1"], "text", tmp_path)
    assert paths == [card_path(tmp_path, "text", mark) for mark in ("aa1", "bb2", "aa1")]
    assert Image.open(paths[0]).size == (WIDTH, HEIGHT)
    assert len(list(tmp_path.rglob("*.png"))) == 2


def test_a_card_that_exists_is_not_drawn_again(tmp_path):
    [path] = draw_cards([Media("", text="a")], ["aa"], "text", tmp_path)
    path.write_bytes(b"kept")
    assert draw_cards([Media("", text="a")], ["aa"], "text", tmp_path) == [path]
    assert path.read_bytes() == b"kept"


def test_a_medium_that_cannot_be_read_has_a_reason_and_the_others_their_cards(tmp_path):
    paths = write_motions(tmp_path / "motions", count=2).media
    results = draw_cards([Media(paths[0]), Media(str(tmp_path / "gone.csv"))], ["a1", "b2"], "series", tmp_path)
    assert results == [card_path(tmp_path, "series", "a1"), "the file does not exist"]
