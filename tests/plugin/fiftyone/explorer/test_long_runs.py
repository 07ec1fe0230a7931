"""Long jobs from the panel: with progress, on the selection, and with what follows in the App."""

import time

import fiftyone as fo
import numpy as np
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.map import MapSettings, compute_map
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.scores import Score, write_scores
from labelscape.plugin.fiftyone.explorer.notes import Notes


def test_messages_have_names_of_their_own():
    notes = Notes()
    notes.add("info", "one")
    notes.add("error", "one")
    assert len({note["id"] for note in notes.listing()}) == 2


def test_a_map_is_computed_loaded_and_brought_up_to_date(explorer, mapped_digits):
    form = {"embeddings": "pixels", "method": "pca", "dims": 3, "n_neighbors": 15, "min_dist": 0.1}
    job = explorer.do("compute_map", **form, perplexity=30, spherize=False, key=None)["job"]
    ended = explorer.finish(job)
    assert (ended["status"], ended["progress"]) == ("done", 1.0)
    assert "shows 120 samples" in ended["message"]
    loaded = explorer.state["map"]
    assert (loaded["key"], loaded["dims"]) == ("pixels_pca_3d", 3)
    assert explorer.column(loaded["positions"])[0].shape == (120, 3)
    assert ended["message"] in [note["text"] for note in explorer.state["messages"]]
    mapped_digits.delete_samples(mapped_digits.values("id")[:3])
    explorer.do("sync", revision=-1)
    stale = {entry["key"]: entry["stale"]["removed"] for entry in explorer.state["maps"]}
    assert stale == {"flat": 3, "pixels_pca_3d": 3}
    assert explorer.finish(explorer.do("update_map", map="pixels_pca_3d")["job"])["status"] == "done"
    assert explorer.state["map"]["n"] == 117
    assert next(e for e in explorer.state["maps"] if e["key"] == "pixels_pca_3d")["stale"]["removed"] == 0


def test_samples_added_since_are_embedded_and_placed_by_an_update(make_explorer, make_digits_dataset):
    dataset = make_digits_dataset(30)
    panel = make_explorer(dataset)
    panel.do("sync", revision=-1)
    of_some = compute_embeddings(dataset.limit(25), key="emb")
    assert of_some.embedded == 25
    compute_map(dataset, embeddings="emb", key="flat", settings=MapSettings(method="pca"))
    panel.load("flat")
    # Those left out when it was made are no news.
    assert panel.state["maps"][0]["stale"] == {"missing": 0, "removed": 0}
    time.sleep(1)  # ids know the second they were made in
    path = dataset.first().filepath
    dataset.add_samples([fo.Sample(filepath=path), fo.Sample(filepath=path), fo.Sample(filepath="/gone.png")])
    panel.do("sync", revision=-1)
    assert panel.state["maps"][0]["stale"] == {"missing": 3, "removed": 0}
    ended = panel.finish(panel.do("update_map", map="flat")["job"])
    assert ended["status"] == "done", ended
    assert "2 placed now" in ended["message"]
    assert "1 could not be read" in ended["message"]
    assert (panel.state["map"]["n"], panel.state["maps"][0]["stale"]["missing"]) == (27, 0)


def test_rankings_write_the_fields_one_colors_by(explorer, mapped_digits):
    selection = explorer.rows(*range(30))
    for method, extra, field, count in (
        ("rank_outliers", {}, "outlier_score", 30),
        ("rank_mislabels", {}, "mislabel_score", 30),
        ("find_duplicates", {"threshold": 0.02}, "duplicate_group", None),
    ):
        ended = explorer.finish(explorer.do(method, selection=selection, **extra)["job"])
        assert ended["status"] == "done", ended
        assert field in [entry["path"] for entry in explorer.state["fields"]]
        shown = [value for value in explorer.field(field) if value == value]
        assert count is None or len(shown) == count


def test_suggestions_appear_on_the_map_when_their_run_has_ended(explorer):
    ended = explorer.finish(explorer.do("suggest_labels", selection=None, precision=0.8)["job"])
    assert ended["status"] == "done", ended
    states = explorer.states()
    assert states[:40] == [1] * 40
    assert 2 in states[40:]
    assert not any(field["predictions"] for field in explorer.state["fields"])  # a suggestion is none


def test_embeddings_are_computed_from_the_panel(make_explorer, make_digits_dataset):
    dataset = make_digits_dataset(20)
    panel = make_explorer(dataset)
    panel.do("sync", revision=-1)
    ended = panel.finish(panel.do("compute_embeddings", way="preprocessing", with_map=False)["job"])
    assert ended["status"] == "done", ended
    made = panel.state["embeddings"]
    assert [(entry["key"], entry["count"]) for entry in made] == [("preprocessing", 20)]
    failed = panel.finish(panel.do("compute_embeddings", way="precomputed", path="/nowhere.parquet")["job"])
    assert failed["status"] == "failed"
    assert "nowhere.parquet" in failed["message"]
    assert [note for note in panel.state["messages"] if "nowhere" in note["text"]] == []  # told once, at the run
    refused = panel.ask("compute_embeddings", way="nonsense", with_map=False)["error"]
    assert "is not a way to compute embeddings" in refused
    dataset.reload()
    assert dataset.list_brain_runs() == ["preprocessing"]


def test_a_map_that_cannot_be_made_is_refused_at_once(explorer):
    form = {"method": "pca", "dims": 2, "n_neighbors": 15, "min_dist": 0.1, "perplexity": 30, "spherize": False}
    assert (
        "'gone' does not name embeddings" in explorer.ask("compute_map", embeddings="gone", key=None, **form)["error"]
    )
    assert "already names a run" in explorer.ask("compute_map", embeddings="pixels", key="flat", **form)["error"]


def test_the_method_is_no_part_of_a_result_but_told_to_those_who_ask(explorer):
    for method, extra in (("rank_mislabels", {}), ("suggest_labels", {"precision": 0.8})):
        ended = explorer.finish(explorer.do(method, selection=None, **extra)["job"])
        assert ended["why"].startswith("Method: "), ended
        assert "Method" not in ended["message"]
        whys = {note["text"]: note["why"] for note in explorer.state["messages"]}
        assert whys[ended["message"]] == ended["why"]


def asked_of_the_app(explorer):
    """What the last method made the App do: the operator's name and its parameters."""
    return {request["operator_uri"].rsplit("/", 1)[-1]: request["params"] for request in explorer.requests}


def test_after_a_ranking_the_app_has_its_field_and_shows_the_highest_first(explorer, mapped_digits):
    mapped_digits.set_values("outlier_score", [7.5] * len(mapped_digits))  # the user's own
    write_scores(mapped_digits, list_items(mapped_digits), [Score("outlier_score", np.ones(len(mapped_digits)))])
    assert explorer.do("refresh_app", ranking=None)["field"] is None
    requests = asked_of_the_app(explorer)
    assert "reload_dataset" in requests
    assert "set_view" not in requests
    assert explorer.do("refresh_app", ranking="outliers")["field"] == "outlier_score_2"
    stage = asked_of_the_app(explorer)["set_view"]["view"][-1]
    assert stage["_cls"] == "fiftyone.core.stages.SortBy"
    assert ["field_or_expr", "outlier_score_2"] in stage["kwargs"]
    assert ["reverse", True] in stage["kwargs"]


def test_the_selection_goes_to_label_studio_by_the_operators_own_form(explorer):
    explorer.do("send_to_label_studio")
    assert "send_to_label_studio" in str(asked_of_the_app(explorer)["prompt_user_for_operation"])
