"""Each project is embedded by a model for its kind of media, which is fitted again once the project has grown."""

from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import pytest
from labelscape.cli.synthetic import make_requests
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Fittable
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.label_studio.mirror import EMBEDDINGS, Mirror, add_tasks, open_mirror
from labelscape.ml_backend.label_studio.settings import ServerSettings
from labelscape.ml_backend.progress import no_progress
from labelscape.ml_backend.server.project_model import apply_model, embed_project, project_model
from labelscape.ml_backend.store.embeddings import load_embeddings, provenance_of

PROJECT = 7_201_994
CONFIG = (
    '<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'
    "</View>"
)
SETTINGS = ServerSettings()


@pytest.fixture
def mirror(tmp_path: Path, database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    yield open_mirror("http://studio.test", PROJECT, CONFIG)
    fo.delete_dataset(f"label-studio-{PROJECT}")


def mirror_texts(mirror: Mirror, count: int) -> None:
    texts = make_requests(count=count).media
    tasks = [{"id": number, "data": {"text": text}} for number, text in enumerate(texts)]
    assert add_tasks(mirror, tasks, lambda *_: pytest.fail("a text is not fetched")) == {}


def fitted_on(mirror: Mirror) -> int:
    used = provenance_of(mirror.dataset, EMBEDDINGS)
    model = load(used.model, **used.options)
    assert isinstance(model, Fittable)
    return model.fitted_on


def test_the_model_of_the_settings_counts_where_it_fits_and_its_place_is_taken_in_words() -> None:
    assert project_model(SETTINGS, "audio").name == "audio-preprocessing"
    assert project_model(SETTINGS, "video").name == "video/preprocessing"
    assert project_model(SETTINGS, "image").name == "preprocessing"
    network = ServerSettings(model="torchvision/resnet18", model_options={"size": 96})
    assert project_model(network, "image").options == {"size": 96}
    assert project_model(network, "video").name == "video/torchvision/resnet18"
    other = project_model(network, "text")
    assert (other.name, other.options) == ("text-preprocessing", {})
    assert "embeds image, not text: text-preprocessing is used instead" in other.note


def test_a_model_learns_again_once_there_are_twice_as_many_tasks_and_not_before(mirror: Mirror) -> None:
    mirror_texts(mirror, 20)
    embed_project(mirror, SETTINGS, no_progress)
    assert fitted_on(mirror) == 20
    apply_model(mirror, SETTINGS)
    mirror_texts(mirror, 30)
    embed_project(mirror, SETTINGS, no_progress)
    assert (fitted_on(mirror), len(load_embeddings(mirror.dataset, EMBEDDINGS).vectors)) == (20, 30)
    mirror_texts(mirror, 60)
    embed_project(mirror, SETTINGS, no_progress)
    assert (fitted_on(mirror), len(load_embeddings(mirror.dataset, EMBEDDINGS).vectors)) == (60, 60)


def test_a_model_that_cannot_be_loaded_is_named_and_the_vectors_of_the_former_one_stay(mirror: Mirror) -> None:
    mirror_texts(mirror, 20)
    embed_project(mirror, SETTINGS, no_progress)
    with pytest.raises(Refusal, match="model2vec/missing, cannot be used; text-preprocessing stays in use"):
        apply_model(mirror, ServerSettings(model="model2vec/missing"))
    assert len(load_embeddings(mirror.dataset, EMBEDDINGS).vectors) == 20
    apply_model(mirror, SETTINGS)
    assert provenance_of(mirror.dataset, EMBEDDINGS).model == "text-preprocessing"
