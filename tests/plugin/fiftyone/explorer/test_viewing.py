"""Viewing in the data explorer, through the App's own routes: maps, columns, grid, facts, search."""

import base64

import fiftyone as fo
import numpy as np
import pytest
from labelscape.plugin.fiftyone.explorer import label_cache
from labelscape.plugin.fiftyone.explorer.board import Board
from labelscape.plugin.fiftyone.explorer.label_states import LabelRows

from ...conftest import give_map, give_random_map


def unpack(packed, dtype="<u4"):
    return np.frombuffer(base64.b64decode(packed), dtype).tolist()


def grid(explorer, stage):
    """Ids the App's grid shows under a stage, by the same route as the App's own."""
    import fiftyone.server.view as fosv

    dataset = fo.load_dataset(explorer.dataset)
    return fosv.get_view(dataset, extended_stages=dict(stage)).values("id")


def test_a_loaded_map_has_every_sample_where_the_run_says(explorer, mapped_digits):
    loaded = explorer.state["map"]
    places, _ = explorer.column(loaded["positions"])
    facts = explorer.do("facts", **explorer.map, rows=list(range(60, 120)))["facts"]
    results = mapped_digits.load_brain_results("flat")
    assert (loaded["n"], loaded["dims"]) == (120, 2)
    np.testing.assert_allclose(places, results.points, rtol=1e-6)
    assert [fact["id"] for fact in facts] == list(results.sample_ids[60:])
    assert explorer.states() == [1] * 40 + [0] * 80
    assert loaded["in_view"] is None


def test_state_says_what_there_is(explorer, mapped_digits):
    state = explorer.state
    assert (state["dataset"], state["sample_count"], state["media_type"]) == (mapped_digits.name, 120, "image")
    assert [(e["key"], e["model"], e["count"]) for e in state["embeddings"]] == [("pixels", "preprocessing", 120)]
    assert state["embeddings"][0]["dim"] > 0
    flat = state["maps"][0]
    assert (flat["key"], flat["method"], flat["embeddings"], flat["stale"]) == (
        "flat",
        "pca",
        "pixels",
        {"missing": 0, "removed": 0},
    )
    paths = {field["path"]: field["kind"] for field in state["fields"]}
    assert paths["ground_truth.label"] == paths["true_digit"] == paths["tags"] == "categorical"
    assert "filepath" not in paths
    assert "id" not in paths
    assert (state["label_field"], state["classes"]) == ("ground_truth", [str(digit) for digit in range(10)])
    assert (state["pending"], state["undoable"]) == ({"labels": 0, "cleared": 0, "deletions": 0}, [])


def test_fields_of_predictions_are_distinguished_from_all_other_labels(make_explorer, make_digits_dataset):
    dataset = make_digits_dataset(12)
    dataset.set_values("predictions", [fo.Classification(label="1")] * 12)
    dataset.set_values("found", [fo.Detections(detections=[fo.Detection(label="1", confidence=0.5)])] * 12)
    dataset.set_values("weather", [fo.Classification(label="rain")] * 12)
    dataset.add_sample_field("model_b", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    give_map(dataset, np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))
    panel = make_explorer(dataset)
    panel.load("flat")

    def predicted():
        return {field["path"] for field in panel.state["fields"] if field["predictions"]}

    assert "weather.label" in [field["path"] for field in panel.state["fields"]]
    assert predicted() == {"predictions.label", "found.detections.label"}
    sample = dataset.first()
    sample["model_b"] = fo.Classification(label="1")
    sample.save()
    panel.do("sync", revision=-1)
    assert predicted() == {"predictions.label", "found.detections.label", "model_b.label"}


def test_a_poll_answers_unchanged_until_something_changes_anywhere(explorer, mapped_digits):
    explorer.do("grow", **explorer.rows(0), k=1)  # the neighbors, which are found in background, are there
    explorer.do("sync", revision=-1)
    revision = explorer.state["revision"]
    assert explorer.do("sync", revision=revision) == {"unchanged": True}
    sample = mapped_digits.skip(50).first()
    sample["ground_truth"] = fo.Classification(label="new class")
    sample.save()
    reply = explorer.do("sync", revision=revision)
    assert reply["state"]["revision"] > revision
    assert "new class" in reply["state"]["classes"]
    assert explorer.states()[50] == 1


def test_columns_hold_the_values_of_the_dataset(explorer, mapped_digits):
    mapped_digits.set_values("score", [float(row) if row % 3 else None for row in range(120)])
    mapped_digits.set_values("checked", [row % 2 == 0 for row in range(120)])
    mapped_digits.set_values("tags", [["a", "b"] if row < 10 else [] for row in range(120)])
    assert explorer.field("true_digit") == mapped_digits.values("true_digit")
    assert explorer.field("ground_truth.label") == mapped_digits.values("ground_truth.label")
    scores = explorer.field("score")
    assert [None if score != score else score for score in scores] == mapped_digits.values("score")
    assert explorer.field("checked") == ["true" if row % 2 == 0 else "false" for row in range(120)]
    assert explorer.field("tags") == ["a"] * 10 + [None] * 110


def test_an_unchanged_column_keeps_its_version_and_a_label_never_resends_places(explorer):
    before = explorer.state["map"]
    column = explorer.do("column", **explorer.map, field="true_digit")["column"]
    explorer.do("set_label", **explorer.rows(60, 61), label="7")
    after = explorer.state["map"]
    assert after["positions"] == before["positions"]
    assert after["label_state"]["version"] != before["label_state"]["version"]
    assert explorer.do("column", **explorer.map, field="true_digit")["column"] == column


def test_another_map_of_the_same_samples_has_their_labels_and_colors_at_once(explorer, mapped_digits):
    import fiftyone.brain as fob

    points = np.random.default_rng(0).normal(size=(120, 2))
    fob.compute_visualization(mapped_digits, points=points, brain_key="other")
    fob.compute_visualization(mapped_digits[:50], points=points[:50], brain_key="part")
    explorer.do("set_label", **explorer.rows(60, 61), label="7")
    before = explorer.state["map"]
    column = explorer.do("column", **explorer.map, field="ground_truth.label")["column"]
    explorer.load("other")
    after = explorer.state["map"]
    assert (after["items"], after["label_state"]) == (before["items"], before["label_state"])
    assert after["positions"] != before["positions"]
    assert explorer.do("column", **explorer.map, field="ground_truth.label")["column"] == column
    explorer.do("set_label", **explorer.rows(62), label="new")
    explorer.do("save")
    labels = explorer.field("ground_truth.label")
    explorer.load("flat")
    assert explorer.field("ground_truth.label") == labels == mapped_digits.values("ground_truth.label")
    assert explorer.states()[60:64] == [1, 1, 1, 0]
    explorer.load("part")
    assert explorer.state["map"]["items"] != before["items"]
    assert explorer.field("ground_truth.label") == labels[:50]


def test_the_labels_of_many_are_read_after_the_places(make_explorer, make_digits_dataset):
    explorer = make_explorer(give_random_map(make_digits_dataset, 20_001, "many"))
    explorer.load("many")
    assert explorer.state["map"]["label_state"] is None
    assert explorer.column(explorer.state["map"]["positions"])[0].shape == (20_001, 2)
    assert explorer.field("ground_truth.label") == ["0"] * 20_001
    assert explorer.states() == [1] * 20_001


def test_labels_that_cannot_be_read_are_reported_once_and_tried_again_when_asked_for(mapped_digits, monkeypatch):
    board = Board(mapped_digits)
    rows = board.maps.rows_of(mapped_digits, board.maps.run_of("flat"))
    monkeypatch.setattr(label_cache, "COMPARED_AT_ONCE", 0)
    with monkeypatch.context() as broken:

        def fail(*_):
            raise ValueError("too many classes")

        broken.setattr(LabelRows, "read", fail)
        for _ in range(2):
            assert board.labels_if_read(mapped_digits, rows) is None
            board.background.later(lambda: None).result()
        assert [note["text"] for note in board.notes.listing()] == [
            "The labels in “ground_truth” could not be read (too many classes)."
        ]
        with pytest.raises(ValueError, match="too many classes"):
            board.labels(mapped_digits, rows)
    assert (board.labels(mapped_digits, rows).snapshot.states == 1).sum() == 40
    assert board.labels_if_read(mapped_digits, rows) is not None


def test_the_colors_of_the_datasets_scheme_come_with_the_classes(explorer, mapped_digits):
    mapped_digits.app_config.color_scheme = fo.ColorScheme(
        color_pool=["#ff0000", "#00ff00"],
        fields=[{"path": "ground_truth", "valueColors": [{"value": "3", "color": "#123456"}]}],
    )
    mapped_digits.save()
    _, tail = explorer.column(explorer.do("column", **explorer.map, field="ground_truth.label")["column"])
    assert tail["colors"][tail["classes"].index("3")] == "#123456"
    assert tail["colors"][tail["classes"].index("4")] is None
    explorer.do("sync", revision=-1)
    assert explorer.state["palette"] == ["#ff0000", "#00ff00"]


@pytest.mark.parametrize("how", ["rows", "polygon", "value", "nothing labeled"])
def test_the_grid_shows_what_is_selected(explorer, mapped_digits, how):
    places, _ = explorer.column(explorer.state["map"]["positions"])
    middle = np.median(places[:, 0])
    truth = mapped_digits.values("true_digit")
    if how == "rows":
        rows, said = [3, 50, 119], {"kind": "rows"}
    elif how == "polygon":
        rows = np.flatnonzero(places[:, 0] < middle).tolist()
        low, high = places.min(0) - 1, places.max(0) + 1
        corners = [[low[0], low[1]], [middle, low[1]], [middle, high[1]], [low[0], high[1]]]
        said = {"kind": "polygon", "points": np.asarray(corners, float).tolist()}
    elif how == "value":
        rows = [row for row, digit in enumerate(truth) if digit == "3"]
        said = {"kind": "value", "field": "true_digit", "value": "3"}
    else:
        rows, said = list(range(40, 120)), {"kind": "value", "field": "ground_truth.label", "value": None}
    stage = explorer.do("select", **explorer.rows(*rows, how=said))["stage"]
    ids = mapped_digits.values("id")
    assert sorted(grid(explorer, stage)) == sorted(ids[row] for row in rows)
    if how in ("polygon", "value", "nothing labeled"):
        assert "sample_ids" not in str(stage)
    assert explorer.do("select", **explorer.rows())["stage"] is None


def test_a_selection_too_large_to_list_is_refused_in_words(mapped_digits, monkeypatch):
    from labelscape.ml_backend.store.labels import label_field
    from labelscape.plugin.fiftyone.explorer import selection
    from labelscape.plugin.fiftyone.explorer.label_states import LabelRows
    from labelscape.plugin.fiftyone.explorer.map_rows import read_rows

    rows = read_rows(mapped_digits, "flat")
    labels = LabelRows(rows, label_field(mapped_digits, "ground_truth"))
    monkeypatch.setattr(selection, "MOST_IDS", 40)
    chosen = (mapped_digits, mapped_digits.view(), rows, labels, np.arange(60))
    with pytest.raises(ValueError, match="cannot list more than 40 one by one"):
        selection.grid_stage(*chosen, {"kind": "rows"})
    everywhere = {"kind": "polygon", "points": [[-99, -99], [99, -99], [99, 99], [-99, 99]]}
    assert selection.grid_stage(*chosen, everywhere) is not None


def test_of_a_selection_or_the_rest_the_shorter_is_listed(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    most = [row for row in range(120) if row not in (7, 90)]
    stage = explorer.do("select", **explorer.rows(*most))["stage"]
    assert stage == {"fiftyone.core.stages.Exclude": {"sample_ids": [ids[7], ids[90]]}}
    assert sorted(grid(explorer, stage)) == sorted(ids[row] for row in most)
    # A sample that is not on the map is in none of its selections.
    mapped_digits.add_sample(fo.Sample(filepath=mapped_digits.first().filepath))
    stage = explorer.do("select", **explorer.rows(*most))["stage"]
    assert sorted(grid(explorer, stage)) == sorted(ids[row] for row in most)


def test_a_value_that_is_pending_is_shown_in_the_grid_by_its_rows(explorer, mapped_digits):
    explorer.do("set_label", **explorer.rows(100), label="3")
    rows = [row for row, name in enumerate(explorer.field("ground_truth.label")) if name == "3"]
    assert 100 in rows
    said = {"kind": "value", "field": "ground_truth.label", "value": "3"}
    stage = explorer.do("select", **explorer.rows(*rows, how=said))["stage"]
    ids = mapped_digits.values("id")
    assert sorted(grid(explorer, stage)) == sorted(ids[row] for row in rows)


def test_a_large_selection_travels_as_bits(explorer):
    rows = np.arange(120) % 2 == 0
    bits = base64.b64encode(np.packbits(rows, bitorder="little")).decode()
    selection = {**explorer.rows(), "count": 60, "rows": None, "bits": bits}
    assert explorer.do("set_label", **selection, label="even")["count"] == 60
    assert explorer.field("ground_truth.label")[::2] == ["even"] * 60


def test_growing_adds_the_nearest_of_each_selected_row(explorer, mapped_digits):
    from labelscape.ml_backend.store.session import open_session

    grown = unpack(explorer.do("grow", **explorer.rows(5, 6), k=3)["rows"])
    near = open_session(mapped_digits, "pixels")
    place = near.embeddings.items.ids.tolist().index(mapped_digits.values("id")[5])
    nearest = near.embeddings.items.ids[near.neighbors.indices[place, :3]].tolist()
    ids = mapped_digits.values("id")
    assert {5, 6} < set(grown)
    assert set(nearest) <= {ids[row] for row in grown}
    assert len(grown) <= 8


def test_facts_and_preview_say_what_a_sample_is(explorer, mapped_digits):
    labeled, unlabeled = explorer.do("facts", **explorer.map, rows=[3, 70])["facts"]
    sample = mapped_digits.skip(3).first()
    assert (labeled["id"], labeled["thumbnail"], labeled["name"]) == (sample.id, sample.filepath, "digit-0003.png")
    assert (labeled["label"], labeled["state"], labeled["crop"]) == (sample.ground_truth.label, 1, None)
    assert (unlabeled["label"], unlabeled["state"], unlabeled["suggestion"]) == (None, 0, None)
    preview = explorer.do("preview", **explorer.map, row=3, k=4)["preview"]
    assert (preview["sample_id"], preview["origin"]) == (sample.id, "imported")
    assert ["true_digit", sample.true_digit] in preview["fields"]
    # The user's own fields come before the dates that FiftyOne keeps.
    assert [name for name, _ in preview["fields"]][-2:] == ["created_at", "last_modified_at"]
    distances = [near["distance"] for near in preview["neighbors"]]
    assert len(distances) == 4
    assert distances == sorted(distances)
    assert 3 not in [near["row"] for near in preview["neighbors"]]


def test_a_sample_is_opened_in_the_viewer(explorer, mapped_digits):
    explorer.do("open_sample", **explorer.map, row=8)
    opened = next(request for request in explorer.requests if request["operator_uri"].endswith("open_sample"))
    assert opened["params"]["id"] == mapped_digits.values("id")[8]


@pytest.mark.parametrize("text", ["id", "file", "label", "pending label", "field"])
def test_search_finds_by_id_file_name_text_fields_and_label(explorer, mapped_digits, text):
    truth = mapped_digits.values("true_digit")
    explorer.do("set_label", **explorer.rows(90), label="Zebra")
    query, rows = {
        "id": (mapped_digits.values("id")[7], [7]),
        "file": ("digit-0011", [11]),
        "label": ("zeBRA", [90]),
        "pending label": ("ebr", [90]),
        "field": ("4", None),
    }[text]
    reply = explorer.do("search", **explorer.map, text=query, meaning=False, limit=1000)
    matches = unpack(reply["rows"])
    if rows is None:
        assert {row for row, digit in enumerate(truth) if digit == "4"} <= set(matches)
    else:
        assert matches == rows
    assert reply["total"] == len(matches)


def test_a_dot_in_a_search_is_a_dot(explorer):
    assert explorer.do("search", **explorer.map, text="d.git", meaning=False, limit=10)["total"] == 0


def test_search_by_meaning_needs_a_model_that_embeds_texts(explorer):
    reply = explorer.ask("search", **explorer.map, text="a zero", meaning=True, limit=10)
    assert "does not embed texts" in reply["error"]


@pytest.mark.slow
def test_search_by_meaning_finds_the_vectors_nearest_to_the_text(make_explorer, make_digits_dataset, tmp_path):
    import open_clip
    import torch
    from labelscape.ml_backend.embedding import load

    torch.manual_seed(0)
    torch.save(open_clip.create_model("ViT-S-32-alt", pretrained=None).state_dict(), tmp_path / "clip.pt")
    name, options = "open_clip/ViT-S-32-alt", {"weights": str(tmp_path / "clip.pt")}
    words = ["zero", "a red car", "three birds", "a house by the sea", "nothing", "snow"]
    dataset = make_digits_dataset(len(words))
    give_map(dataset, load(name, **options).embed_text(words), model=name, options=options)
    panel = make_explorer(dataset)
    panel.load("flat")
    assert panel.state["embeddings"][0]["text_search"] is True
    for row, text in enumerate(words[:3]):
        reply = panel.do("search", **panel.map, text=text, meaning=True, limit=2)
        assert (unpack(reply["rows"])[0], reply["total"]) == (row, 2)
        assert "by meaning, with open_clip/ViT-S-32-alt" in reply["how"]


def test_samples_outside_the_apps_view_are_marked(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    explorer.view = {"view": mapped_digits.select(ids[:7])._serialize()}
    explorer.do("sync", revision=-1)
    mask, _ = explorer.column(explorer.state["map"]["in_view"])
    assert mask[:, 0].tolist() == [1] * 7 + [0] * 113
    # The panel's own selection is a view of the App too, and must not dim the rest of the map.
    explorer.view = {"extended": {"fiftyone.core.stages.Select": {"sample_ids": ids[:7], "ordered": False}}}
    explorer.do("sync", revision=-1)
    assert explorer.state["map"]["in_view"] is None


def test_rows_of_a_map_that_has_changed_are_refused(explorer):
    old = explorer.map
    reply = explorer.ask("facts", map="flat", map_version="old", rows=[1])
    assert "has changed" in reply["error"]
    assert "not on the map of 120" in explorer.ask("facts", **old, rows=[120])["error"]
    assert "no longer exists; the existing maps are: flat" in explorer.ask("load_map", map="gone")["error"]


def test_a_map_made_elsewhere_is_shown_and_says_what_it_cannot_do(make_explorer, make_digits_dataset):
    import fiftyone.brain as fob

    dataset = make_digits_dataset(12)
    fob.compute_visualization(dataset, points=np.arange(24).reshape(12, 2), brain_key="foreign")
    panel = make_explorer(dataset)
    panel.load("foreign")
    assert panel.state["map"]["n"] == 12
    assert panel.state["maps"][0]["embeddings"] is None
    assert "does not say from which embeddings" in panel.ask("grow", **panel.rows(1), k=2)["error"]
    assert panel.do("preview", **panel.map, row=1, k=3)["preview"]["neighbors"] == []


def test_an_empty_dataset_and_no_dataset_have_a_state(make_explorer, make_digits_dataset, app):
    dataset = make_digits_dataset(1)
    dataset.delete_samples(dataset.values("id"))
    panel = make_explorer(dataset)
    panel.do("sync", revision=-1)
    assert (panel.state["sample_count"], panel.state["maps"], panel.state["map"]) == (0, [], None)
    panel.dataset = None
    assert panel.do("sync", revision=-1)["state"]["dataset"] is None
    assert panel.ask("undo")["error"] == "Open a dataset first."
