"""Searching a dataset: by samples, objects, images, and texts; results are scored, ordered, and can be refined."""

import json

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.store import ExecutionStore
from labelscape.ml_backend.actions.embed import compute_embeddings, import_embeddings
from labelscape.ml_backend.actions.search import (
    Scope,
    marks_to_ask,
    preview_search,
    search,
    with_marks,
)
from labelscape.ml_backend.actions.search_queries import reads_texts, with_image
from labelscape.ml_backend.errors import Refusal
from labelscape.ml_backend.store.searches import SCORE_FIELD, Query, last_search
from labelscape.ml_backend.store.segment_records import load_segment
from labelscape.testing.model_packages import installed_models


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(200, labeled=60)
    compute_embeddings(dataset, key="emb")
    return dataset


def ids_of(dataset, digit, count=3):
    return tuple(dataset.match(fo.ViewField("true_digit") == digit).limit(count).values("id"))


def digits_of(dataset, ids):
    return [dataset[one].true_digit for one in ids]


def test_what_is_like_three_samples_comes_first_without_the_three(dataset):
    three = ids_of(dataset, "0")
    result = search(Scope(dataset), Query("emb", three), limit=10)
    assert len(result.hits) == 10
    assert not set(result.ids) & set(three)
    assert digits_of(dataset, result.ids).count("0") >= 9
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert result.view.values("id") == result.ids
    np.testing.assert_allclose(result.view.values(SCORE_FIELD), scores, atol=1e-4)
    assert result.sentence().startswith("Found 10 samples among 197 with scores from ")


def test_the_next_search_takes_the_scores_of_the_last_one_away(dataset):
    search(Scope(dataset), Query("emb", ids_of(dataset, "0")), limit=10)
    result = search(Scope(dataset), Query("emb", ids_of(dataset, "1")), limit=5)
    assert dataset.exists(SCORE_FIELD).count() == 5
    assert set(dataset.exists(SCORE_FIELD).values("id")) == set(result.ids)


def test_a_threshold_keeps_all_above_it_and_the_preview_shows_those_around_it(dataset):
    query = Query("emb", ids_of(dataset, "0"))
    preview = preview_search(Scope(dataset), query, threshold=0.9)
    result = search(Scope(dataset), query, limit=None, threshold=0.9)
    assert len(result.hits) == preview.matches > 0
    assert min(hit.score for hit in result.hits) >= 0.9
    assert [hit.id for hit in preview.above] == result.ids[::-1][: len(preview.above)]
    assert all(hit.score < 0.9 for hit in preview.below)
    assert preview.lowest <= preview.below[-1].score
    with pytest.raises(Refusal, match=r"Nothing scores 1\.00 or more; the highest score is 0\."):
        search(Scope(dataset), query, limit=None, threshold=1.0)


def test_only_the_view_is_searched_and_what_has_no_embedding_is_counted(dataset, make_digits_dataset):
    view = dataset.limit(50)
    result = search(Scope(view), Query("emb", ids_of(dataset, "0")), limit=5)
    assert set(result.ids) <= set(view.values("id"))
    dataset.add_sample(fo.Sample(filepath=dataset.first().filepath))
    result = search(Scope(dataset), Query("emb", ids_of(dataset, "0")), limit=5)
    assert "1 sample has no embedding in 'emb' and was not searched" in result.sentence()


def test_only_unlabeled_samples_are_searched_on_request(dataset):
    result = search(Scope(dataset, unlabeled_in="ground_truth"), Query("emb", ids_of(dataset, "0")), limit=20)
    assert dataset.select(result.ids).exists("ground_truth").count() == 0
    assert result.total <= 140


def test_negatives_push_their_kind_out_of_the_results(dataset):
    nine = Query("emb", ids_of(dataset, "9", 2))
    first = search(Scope(dataset), nine, limit=20)
    wrong = tuple(one for one in first.ids if dataset[one].true_digit != "9")
    assert wrong
    again = search(Scope(dataset), with_marks(nine, negatives=wrong), limit=20)
    assert not set(again.ids) & set(wrong)
    assert digits_of(dataset, again.ids).count("9") >= digits_of(dataset, first.ids).count("9")


def test_marks_enough_make_a_query_that_tells_its_held_out_quality(dataset):
    query = Query("emb", ids_of(dataset, "3", 6), ids_of(dataset, "8", 6))
    result = search(Scope(dataset), query, limit=10)
    assert result.quality.auc is not None
    assert result.quality.auc > 0.6
    assert "a positive scores higher than a negative" in result.sentence()
    assert "6 positive and 6 negative marks" in result.sentence()


def test_marks_asked_for_are_unmarked_and_answers_change_sides(dataset):
    query = Query("emb", ids_of(dataset, "3"))
    search(Scope(dataset), query, limit=10)
    proposed = [hit.id for hit in marks_to_ask(Scope(dataset), query)]
    assert len(set(proposed)) == 5
    assert not set(proposed) & set(query.positives)
    marked = with_marks(query, positives=proposed[:2], negatives=proposed[2:])
    assert not {hit.id for hit in marks_to_ask(Scope(dataset), marked)} & set(proposed)
    turned = with_marks(marked, negatives=proposed[:1])
    assert proposed[0] in turned.negatives
    assert proposed[0] not in turned.positives


def test_copies_in_the_results_fold_into_one(dataset):
    path = dataset[ids_of(dataset, "0", 1)[0]].filepath
    dataset.add_samples(fo.Sample(filepath=path, true_digit="0") for _ in range(6))
    compute_embeddings(dataset, key="emb")
    query = Query("emb", ids_of(dataset, "0", 1))
    assert len([hit for hit in search(Scope(dataset), query, limit=10).hits if hit.score > 0.9999]) == 6
    folded = search(Scope(dataset), query, limit=10, fold=True)
    assert len([hit for hit in folded.hits if hit.score > 0.9999]) == 1
    assert folded.hits[0].duplicates == 5
    assert "folded away" in folded.sentence()


def test_objects_are_searched_by_objects_and_shown_as_patches(dataset):
    boxes = [[0, 0, 0.5, 1], [0.5, 0, 0.5, 1]]
    dataset.set_values(
        "parts",
        [
            fo.Detections(detections=[fo.Detection(label=f"{digit}", bounding_box=box) for box in boxes])
            for digit in dataset.values("true_digit")
        ],
    )
    compute_embeddings(dataset, key="objects", patches_field="parts")
    first = dataset.first().parts.detections[0]
    result = search(Scope(dataset), Query("objects", (first.id,)), limit=8)
    assert result.view._is_patches
    assert result.view.values("id") == result.ids
    assert result.sentence().startswith("Found 8 patches among 399")


def test_results_become_a_segment_in_the_same_step(dataset):
    result = search(Scope(dataset), Query("emb", ids_of(dataset, "0")), limit=7, segment="More zeros")
    assert load_segment(dataset, "more-zeros").size == 7
    assert "Saved as the segment “More zeros”" in result.sentence()


def test_an_uploaded_image_is_searched_with(dataset, tmp_path):
    picture = cv2.imread(dataset[ids_of(dataset, "4", 1)[0]].filepath)
    query = with_image(dataset, Query("emb"), cv2.imencode(".png", picture)[1].tobytes(), "four.PNG")
    result = search(Scope(dataset), query, limit=5)
    assert result.hits[0].score > 0.999
    assert digits_of(dataset, result.ids).count("4") >= 4
    with pytest.raises(Refusal, match=r"“no\.png” cannot be searched with"):
        with_image(dataset, Query("emb"), b"no image", "no.png")


BRIGHTNESS_AND_WORDS = """
import cv2
import numpy as np
from labelscape.ml_backend.embedding import Embedded, ModelFamily


class BrightnessAndWords:
    name, dim = "brightness", 2

    def embed(self, media, *, batch_size=64, progress=None):
        means = np.asarray([cv2.imread(getattr(one, "path", one)).mean() / 255 for one in media])
        return Embedded(np.column_stack((means, 1 - means)).astype(np.float32), np.arange(len(media)), [])

    def embed_text(self, texts):
        return np.asarray([[1, 0] if text == "bright" else [0, 1] for text in texts], np.float32)


FAMILY = ModelFamily("brightness", "", "image", "a test", lambda _argument: BrightnessAndWords(), text_tower="yes")
"""


@pytest.fixture
def brightness(tmp_path):
    """An installed model that sees brightness, and knows two words of it."""
    with installed_models(tmp_path, BRIGHTNESS_AND_WORDS):
        yield


@pytest.mark.usefixtures("brightness")
def test_a_text_finds_images_where_the_model_reads_texts(dataset):
    compute_embeddings(dataset, key="bright", model="brightness")
    result = search(Scope(dataset), Query("bright", text="bright"), limit=5)
    means = {sample.id: cv2.imread(sample.filepath).mean() for sample in dataset}
    assert sorted(result.ids) == sorted(sorted(means, key=means.get)[-5:])
    assert reads_texts(dataset, "bright")
    assert not reads_texts(dataset, "emb")
    with pytest.raises(Refusal, match="preprocessing, which cannot embed texts"):
        search(Scope(dataset), Query("emb", text="bright"))


def test_imported_vectors_are_searched_by_examples_and_say_why_not_by_images(dataset):
    ids = dataset.values("id")
    import_embeddings(dataset, key="own", ids=ids, vectors=np.eye(len(ids), dtype=np.float32), source="a file")
    assert len(search(Scope(dataset), Query("own", tuple(ids[:1])), limit=3).hits) == 3
    with pytest.raises(Refusal, match="imported from a file"):
        with_image(dataset, Query("own"), b"", "x.png")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (Query("emb"), "nothing to search for"),
        (Query("nothing", ("0" * 24,)), "does not name embeddings"),
        (Query("emb", ("0" * 24,)), "1 of the 1 positive examples has no embedding"),
    ],
)
def test_what_cannot_be_searched_for_says_why(dataset, query, words):
    with pytest.raises(Refusal, match=words):
        search(Scope(dataset), query)


def test_a_field_of_the_users_own_is_never_overwritten(dataset):
    dataset.set_values(SCORE_FIELD, [1.0] * len(dataset))
    result = search(Scope(dataset), Query("emb", ids_of(dataset, "0")), limit=3)
    assert (result.field, len(result.view)) == ("search_score_2", 3)
    assert "(“search_score_2”). “search_score” was not created by Labelscape" in result.sentence()
    assert set(dataset.values(SCORE_FIELD)) == {1.0}


def test_what_is_remembered_of_a_search_is_json(dataset):
    query = Query("emb", ids_of(dataset, "0"))
    search(Scope(dataset), query, limit=4)
    remembered = last_search(dataset)
    assert remembered.query == query
    assert len(remembered.ids) == 4
    json.dumps(ExecutionStore.create("labelscape.searches", dataset._doc.id).get("last"))
