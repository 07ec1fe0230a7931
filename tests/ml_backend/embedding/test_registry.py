"""Every embedding model is declared once, and whatever lists models reads that declaration."""

import inspect
from pathlib import Path

import pytest
from labelscape.cli import app
from labelscape.ml_backend.actions.models import families, find_family, load, offered_models, searches_text
from labelscape.ml_backend.embedding.registry import ENTRY_POINTS, Option
from labelscape.ml_backend.errors import Refusal
from labelscape.testing.model_packages import installed_models
from typer.testing import CliRunner

ROOT = Path(__file__).parents[3]
DUMMY = '''
from labelscape.ml_backend.embedding import Embedded, ModelFamily, Option
import numpy as np


class Constant:
    """Embeds everything as one number."""

    def __init__(self, number, times):
        self.name, self.dim, self._value = f"dummy/{number}", 1, float(number) * times

    def embed(self, media, *, batch_size=64, progress=None):
        return Embedded(np.full((len(media), 1), self._value, np.float32), np.arange(len(media)), [])


FAMILY = ModelFamily(
    name="dummy", argument="<number>", modality="image", sentence="A constant",
    make=lambda number, times=1: Constant(number, times),
    examples=("7",),
    options=(Option("times", "integer", "Factor"),),
)
'''


@pytest.fixture
def dummy_package(tmp_path):
    """An installed package that adds a family, and one whose entry point is broken."""
    with installed_models(tmp_path, DUMMY, ("BROKEN", "FAMILY")):
        yield


def test_another_package_adds_models_by_an_entry_point_and_a_broken_one_harms_nobody(dummy_package, caplog):
    assert "dummy/<number>" in [family.pattern for family in families()]
    assert "dummy/7" in offered_models()
    assert load("dummy/21", times="2").embed(["a", "b"]).vectors.tolist() == [[42.0], [42.0]]
    assert "The embedding models of the entry point 'broken' could not be loaded" in caplog.text
    assert "dummy/<number>" in CliRunner().invoke(app, ["model", "list"]).output


@pytest.mark.parametrize("name", [family.name for family in families()])
def test_the_command_line_and_the_docs_know_every_family(name):
    family = next(family for family in families() if family.name == name)
    docs = (ROOT / "docs" / "models.md").read_text()
    if family.in_menus:
        assert f"`{family.pattern}`" in docs, "docs/models.md lists every family by its pattern"
        listing = CliRunner().invoke(app, ["model", "list"]).output
        assert family.pattern in listing
        assert family.sentence in listing
        for option in family.options:
            assert f"`{option.name}`" in docs, f"docs/models.md explains the option {option.name}"
    options = CliRunner().invoke(app, ["model", "options", name]).output
    assert all(option.name in options for option in family.options)


def test_the_recipe_for_contributors_names_the_place_where_a_family_is_declared():
    recipe = (ROOT / "CONTRIBUTING.md").read_text()
    assert "ml_backend/embedding/builtin.py" in recipe
    assert ENTRY_POINTS in recipe
    assert (ROOT / "ml_backend/embedding/builtin.py").is_file()


def test_the_menu_of_the_panel_offers_a_model_of_every_family_that_has_a_default():
    for family in families("image"):
        assert (family.default in offered_models()) == bool(family.in_menus and family.default)
    for model in offered_models():
        assert find_family(model)[0].in_menus


def test_the_options_that_a_family_declares_are_those_that_its_models_take():
    from labelscape.ml_backend.embedding.image.open_clip_model import OpenClipModel
    from labelscape.ml_backend.embedding.image.own.model import OwnModel
    from labelscape.ml_backend.embedding.image.preparation import Preparation
    from labelscape.ml_backend.embedding.image.timm_model import TimmModel
    from labelscape.ml_backend.embedding.image.torchvision_model import TorchvisionModel
    from labelscape.ml_backend.embedding.image.transformers_model import TransformersModel

    for name, kind in {
        "torchvision": TorchvisionModel,
        "open_clip": OpenClipModel,
        "timm": TimmModel,
        "hf": TransformersModel,
        "own": OwnModel,
    }.items():
        taken = inspect.signature(kind.__init__).parameters.values()
        assert any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken), name  # a `Preparation`
        own = {parameter.name for parameter in taken if parameter.kind is parameter.KEYWORD_ONLY}
        keywords = own | set(Preparation.__annotations__)
        assert keywords == {option.name for option in find_family(f"{name}/x")[0].options}, name


def test_only_models_that_embed_texts_are_searched_by_text():
    assert searches_text("open_clip/ViT-B-32:laion2b_s34b_b79k")
    assert searches_text("hf/openai/clip-vit-base-patch32")
    assert not searches_text("preprocessing")
    assert not searches_text("precomputed")
    assert searches_text("video/open_clip/ViT-B-32:laion2b_s34b_b79k")
    assert not searches_text("video/preprocessing")


@pytest.mark.parametrize(
    ("kind", "value", "parsed"),
    [
        ("integer", "224", 224),
        ("integer", 96.0, 96),
        ("numbers", "0.5, 0.4,0.3", (0.5, 0.4, 0.3)),
        ("numbers", [1, 2, 3], (1.0, 2.0, 3.0)),
        ("yes_no", "Yes", True),
        ("yes_no", False, False),
        ("choice", "bgr", "bgr"),
        ("text", "layer4", "layer4"),
    ],
)
def test_options_are_read_from_forms_and_the_command_line(kind, value, parsed):
    assert Option("x", kind, "", ("rgb", "bgr")).parse(value) == parsed


@pytest.mark.parametrize(
    ("kind", "value"),
    [("integer", "many"), ("integer", 2.5), ("numbers", "1, 2"), ("numbers", "a, b, c"), ("choice", "cmyk"),
     ("yes_no", "perhaps"), ("numbers", "nan, 1, 1")],
)  # fmt: skip
def test_an_option_of_the_wrong_kind_is_refused_with_what_is_allowed(kind, value):
    option = Option("x", kind, "", ("rgb", "bgr"))
    with pytest.raises(Refusal, match=rf"The option “x” is '{value}'; it must be {option.allowed()}"):
        option.parse(value)
