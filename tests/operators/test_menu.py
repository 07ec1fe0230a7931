"""Every menu entry, called as the App does: form first, then the run; problems are explained in the form."""

import time

import fiftyone as fo
import pytest
from fiftyone.operators.executor import ExecutionContext, ExecutionError
from fiftyone.operators.registry import OperatorRegistry

from .menu import form, names, run, trouble


def test_from_files_to_a_map_in_two_entries(dataset):
    assert "150 samples to embed" in form("compute_embeddings", dataset)["plan"]["view"]["label"]
    assert "Embedded 150 samples with preprocessing" in run("compute_embeddings", dataset, key="emb")
    fields = form("compute_map", dataset)
    assert fields["embeddings"]["default"] == "emb"
    assert fields["key"]["default"] == "emb_umap"
    message = run("compute_map", dataset, embeddings="emb", key="emb_umap", method="umap", dims="2")
    assert "shows 150 samples; trustworthiness 0.9" in message
    dataset.delete_samples(dataset.values("id")[:5])
    fields = form("compute_map", dataset, params={"update": True, "update_key": "emb_umap"})
    assert "5 points belong to samples that no longer exist" in fields["status"]["view"]["label"]
    assert "0 placed now, 5 removed" in run("compute_map", dataset, update=True, update_key="emb_umap")
    assert "145 points" in form("clear_map", dataset)["consequence"]["view"]["label"]
    assert "Deleted the map" in run("clear_map", dataset, key="emb_umap")


def test_label_save_undo(embedded):
    ids = embedded.values("id")
    fields = form("set_label", embedded, selected=ids[58:63])
    assert fields["target"]["view"]["label"] == "5 samples selected, 2 already labeled."
    message = run("set_label", embedded, selected=ids[58:63], label="x")
    assert "Queued 3 changes" in message
    assert "2 items kept their existing labels" in message
    assert names(embedded)[ids[60]] is None
    assert "3 labels pending." in form("save_changes", embedded)["pending"]["view"]["label"]
    assert "Saved 3 labels" in run("save_changes", embedded)
    assert [names(embedded)[item] for item in ids[60:63]] == ["x"] * 3
    assert embedded.values("ground_truth.labelscape")[60] == "human"
    assert "Undid: save of 3 changes" in run("undo_save", embedded)
    assert names(embedded)[ids[60]] is None


def test_label_neighbors_reaches_unlabeled_ones_and_says_how_sure(embedded):
    ids = embedded.values("id")
    truth = dict(zip(*embedded.values(["id", "true_digit"]), strict=True))
    anchor = ids[70]
    fields = form(
        "label_neighbors",
        embedded,
        selected=[anchor],
        params={"embeddings": "emb", "label": truth[anchor], "by_number": True, "reach": 5},
    )
    assert "Reaches 5 unlabeled neighbors" in fields["reached"]["view"]["label"]
    assert len(fields["least_sure"]["type"]["properties"]) == 5
    message = run(
        "label_neighbors", embedded, selected=[anchor], embeddings="emb", label=truth[anchor], by_number=True, reach=5
    )
    assert "Queued 6 changes" in message
    run("save_changes", embedded)
    followers = embedded.match(fo.ViewField("ground_truth.labelscape") == "neighbors")
    assert len(followers) == 5
    assert set(followers.values("ground_truth.anchor")) <= set(ids)
    assert all(0 < confidence < 1 for confidence in followers.values("ground_truth.confidence"))
    assert embedded[anchor].ground_truth.labelscape == "human"


def test_suggestions_are_made_accepted_and_follow(embedded):
    truth = dict(zip(*embedded.values(["id", "true_digit"]), strict=True))
    fields = form("suggest_labels", embedded)
    assert "60 labels of 10 classes" in fields["evidence"]["view"]["label"]
    message = run("suggest_labels", embedded, embeddings="emb", precision=0.9)
    assert "of 90 unlabeled items received a confident suggestion" in message
    assert embedded.count("suggested_label") > 45
    ids = [item for item, label in zip(*embedded.values(["id", "suggested_label.label"]), strict=True) if label]
    assert set(ids).isdisjoint(item for item, label in names(embedded).items() if label)
    run("accept_suggestions", embedded)
    message = run("save_changes", embedded)
    labels = names(embedded)
    saved = [item for item, label in labels.items() if label][60:]
    right = [labels[item] == truth[item] for item in saved]
    assert len(right) >= 20
    assert sum(right) / len(right) >= 0.85
    deadline = time.monotonic() + 300
    while embedded.select(saved).count("suggested_label"):  # the suggestions follow in the background
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_samples_grid_has_a_button_for_what_one_does_there(embedded):
    operators = {operator.name: operator for operator in OperatorRegistry().list_operators(builtin=False)}
    ctx = ExecutionContext(request_params={"dataset_name": embedded.name, "params": {}})
    on_grid = {name for name, operator in operators.items() if operator.resolve_placement(ctx) is not None}
    expected = "set_label label_neighbors label_next suggest_labels save_changes undo_save rank_outliers rank_mislabels"
    assert on_grid >= {*expected.split(), "find_duplicates"}
    assert not on_grid & {"clear_labels", "clear_map", "delete_segment", "merge_segments"}


def test_deletion_is_pending_until_saved(embedded):
    ids = embedded.values("id")[:3]
    assert "3 samples will be marked" in form("delete_items", embedded, selected=ids)["consequence"]["view"]["label"]
    run("delete_items", embedded, selected=ids)
    assert len(embedded) == 150
    assert "Discarded 3 changes" in run("discard_changes", embedded)
    run("delete_items", embedded, selected=ids)
    assert "3 deletions" in run("save_changes", embedded)
    assert len(embedded) == 147
    run("undo_save", embedded)
    assert len(embedded) == 150


def test_clearing_asks_first_and_can_be_undone(embedded):
    with pytest.raises(ExecutionError, match="sure"):
        run("clear_labels", embedded, which="all")
    fields = form("clear_labels", embedded)["consequence"]["view"]["label"]
    assert "60 labels: 0 set by hand in Labelscape, 0 from neighbors, 60 imported." in fields
    assert "60 cleared labels pending." in run("clear_labels", embedded, which="all", sure=True)
    assert embedded.count("ground_truth") == 60
    assert "Cleared 60 labels" in run("save_changes", embedded)
    assert embedded.count("ground_truth") == 0
    run("undo_save", embedded)
    assert embedded.count("ground_truth") == 60
    run("suggest_labels", embedded, embeddings="emb")
    made = embedded.count("suggested_label")
    assert f"Cleared {made} suggestion" in run("clear_labels", embedded, which="suggestions", sure=True)
    assert embedded.count("suggested_label") == 0
    run("undo_save", embedded)
    assert embedded.count("suggested_label") == made


def test_the_explorer_is_cleared_part_by_part_and_asks_before_what_cannot_be_undone(embedded):
    parts = form("clear_explorer", embedded)
    assert parts["embeddings_emb"]["view"]["label"].startswith("Embeddings 'emb': 150 vectors, ")
    assert form("clear_explorer", embedded, params={"embeddings_emb": True})["sure"]["invalid"]
    with pytest.raises(ExecutionError, match="confirm"):
        run("clear_explorer", embedded, embeddings_emb=True)
    assert "Renamed 'emb' to 'vectors'" in run("rename_run", embedded, key="emb", new_key="vectors")
    message = run("clear_explorer", embedded, embeddings_vectors=True, sure=True)
    assert message == "Cleared embeddings 'vectors'."
    assert "nothing to clear" in trouble(form("clear_explorer", embedded))


def test_embeddings_are_deleted_after_a_question(embedded):
    assert "150 vectors will be deleted" in form("delete_embeddings", embedded)["consequence"]["view"]["label"]
    assert "Deleted the embeddings 'emb'" in run("delete_embeddings", embedded, embeddings="emb", sure=True)
    assert embedded.list_brain_runs() == []


def test_only_confident_suggestions_are_accepted_unless_others_are_chosen(embedded):
    run("suggest_labels", embedded, embeddings="emb", precision=0.95)
    confident = len(embedded.match(fo.ViewField("suggested_label.sure")))
    uncertain = embedded.count("suggested_label") - confident
    assert confident
    assert uncertain
    assert f"Queued {confident} change" in run("accept_suggestions", embedded)
    run("discard_changes", embedded)
    assert f"Queued {uncertain} change" in run("accept_suggestions", embedded, which="uncertain")


def test_several_saves_are_undone_at_once_by_name(embedded):
    ids = embedded.values("id")
    for item in ids[60:62]:
        run("set_label", embedded, selected=[item], label="x")
        run("save_changes", embedded)
    steps = form("undo_save", embedded)["through"]["view"]["choices"]
    assert [step["label"] for step in steps] == ["save of 1 change", "save of 1 change, and the one above"]
    message = run("undo_save", embedded, through=steps[1]["value"])
    assert message == "Undid: save of 1 change; save of 1 change."
    assert [names(embedded)[item] for item in ids[60:62]] == [None, None]


def test_the_selection_counts_else_the_view_else_the_dataset(embedded):
    view = embedded.limit(7)
    run("compute_map", embedded, view=view, embeddings="emb", key="of_view", method="pca")
    run(
        "compute_map", embedded, view=view, selected=view.values("id")[:4], embeddings="emb", key="of_few", method="pca"
    )
    run("compute_map", embedded, embeddings="emb", key="of_all", method="pca")
    sizes = {key: len(embedded.load_brain_results(key).points) for key in ("of_view", "of_few", "of_all")}
    assert sizes == {"of_view": 7, "of_few": 4, "of_all": 150}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("compute_map", "no embeddings yet"),
        ("clear_map", "no map"),
        ("clear_explorer", "nothing to clear"),
        ("rename_run", "nothing to rename"),
        ("delete_embeddings", "no embeddings yet"),
        ("label_neighbors", "no embeddings yet"),
        ("suggest_labels", "no embeddings yet"),
        ("set_label", "Nothing is selected"),
        ("delete_items", "Nothing is selected"),
        ("accept_suggestions", "no suggestions to accept"),
        ("save_changes", "Nothing is pending"),
        ("discard_changes", "Nothing is pending"),
        ("undo_save", "no save to undo"),
        ("rank_outliers", "no embeddings yet"),
        ("rank_mislabels", "no embeddings yet"),
        ("find_duplicates", "no embeddings yet"),
        ("label_next", "no embeddings yet"),
        ("relabel", "Nothing is selected"),
    ],
)
def test_what_is_in_the_way_is_reported_in_the_form(dataset, name, message):
    assert message in trouble(form(name, dataset))


def test_nothing_labeled_one_class_and_an_empty_view_are_reported_in_words(make_digits_dataset):
    dataset = make_digits_dataset(40, labeled=0)
    run("compute_embeddings", dataset, key="emb")
    assert "Nothing is labeled in 'ground_truth' yet" in trouble(form("suggest_labels", dataset))
    with pytest.raises(ExecutionError, match="at least two"):
        run("rank_mislabels", dataset, embeddings="emb")
    ids = dataset.values("id")
    run("set_label", dataset, selected=ids[:3], label="only")
    run("save_changes", dataset)
    assert "0 of 37 unlabeled items received a confident suggestion" in run("suggest_labels", dataset, embeddings="emb")
    empty = dataset.match(fo.ViewField("true_digit") == "none")
    for name in ("compute_embeddings", "compute_map", "rank_outliers"):
        with pytest.raises(ExecutionError, match="Nothing|nothing|No sample"):
            run(name, dataset, view=empty, key="x", embeddings="emb")


def test_patches_are_labeled_from_their_neighbors(make_digits_dataset):
    dataset = make_digits_dataset(60)
    for number, sample in enumerate(dataset.iter_samples(autosave=True)):
        label = sample.true_digit if number < 40 else None
        sample["parts"] = fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0, 0, 1, 1])])
    message = run("compute_embeddings", dataset, key="emb", patches="parts")
    assert "60 patches" in message
    run("suggest_labels", dataset, embeddings="emb", precision=0.8)
    patches = dataset.to_patches("parts")
    assert patches.count("parts.suggested_label") > 5
    unlabeled = patches.match(fo.ViewField("parts.label") == None)  # noqa: E711
    chosen = unlabeled.first()
    run("set_label", dataset, view=patches, selected=[chosen.id], patches="parts", label="seven")
    run("save_changes", dataset)
    assert dataset.to_patches("parts")[chosen.id].parts.label == "seven"
    run("rank_outliers", dataset, embeddings="emb")
    assert dataset.count("parts.detections.outlier_score") == 60


def test_a_form_says_when_one_forgotten_tick_makes_the_target_one_sample(embedded):
    ids = embedded.values("id")
    for name in ("rank_outliers", "rank_mislabels", "find_duplicates", "compute_map"):
        warning = form(name, embedded, selected=ids[:1])["one_ticked"]["view"]["label"]
        assert "Only the 1 sample that is ticked in the grid, not all" in warning, name
        assert "one_ticked" not in form(name, embedded, selected=ids[:1], view_target="DATASET")
        assert "one_ticked" not in form(name, embedded, selected=ids[:2])
        assert "one_ticked" not in form(name, embedded)
