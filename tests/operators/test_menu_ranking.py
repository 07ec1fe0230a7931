"""Menu entries that rank and find, and the buttons that act on what they found."""

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionError
from PIL import Image

from .menu import form, names, outcome, run, trouble


def test_rankings_write_their_fields_and_a_wrong_label_comes_first(embedded):
    first = embedded.first()
    first.ground_truth.label = str((int(first.true_digit) + 1) % 10)
    first.save()
    message = run("rank_mislabels", embedded, embeddings="emb")
    assert "Ranked 60 items" in message
    worst = embedded.sort_by("mislabel_score", reverse=True).first()
    assert worst.id == first.id
    assert worst.mislabel_suggestion == first.true_digit
    assert "Ranked 150 samples" in run("rank_outliers", embedded, embeddings="emb")
    scores = embedded.values("outlier_score")
    assert min(scores) >= 0
    assert max(scores) <= 1
    assert set(embedded.values("outlier_reason")) <= {
        None, "far from everything", "far from its class", "in another class's region", "near-duplicate",
    }  # fmt: skip


def press(step, dataset, **params):
    """Press the button of a next step and run what it opens, with more of the form filled in."""
    assert "blocked" not in form(step.operator, dataset, params=dict(step.params))
    return run(step.operator, dataset, **step.params, **params)


def test_after_a_ranking_its_first_are_relabeled_segmented_or_deleted_with_a_button(dataset, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    dataset.add_sample(fo.Sample(str(tmp_path / "noise.png")))
    embedded = dataset
    run("compute_embeddings", embedded, key="emb", way="preprocessing")
    first = embedded.first()
    truth = first.true_digit
    first.ground_truth.label = str((int(truth) + 1) % 10)
    first.save()
    outliers = outcome("rank_outliers", embedded, embeddings="emb")
    reasons = set(embedded.exists("outlier_reason").values("id"))
    ways = ["set_label", "send_to_label_studio", "create_segment", "delete_items"]
    assert [step.operator for step in outliers.next_steps] == ways
    assert all(set(step.params["items"]) == reasons for step in outliers.next_steps)
    assert embedded.last().id in reasons
    ranking = outcome("rank_mislabels", embedded, embeddings="emb")
    assert ranking.view.first().id == first.id
    scores = ranking.view.values("mislabel_score")
    assert scores == sorted(scores, reverse=True)
    assert "mislabel_suggestion" in ranking.shown_fields
    assert ranking.why.startswith("Method: ")
    assert "Method" not in ranking.message
    relabel, send, segment, delete = ranking.next_steps
    assert (send.operator, send.params["items"]) == ("send_to_label_studio", relabel.params["items"])
    assert send.label == f"Send these {len(send.params['items'])} to Label Studio …"
    many = len(relabel.params["items"])
    assert relabel.label == f"Relabel these {many} …"
    assert relabel.params["items"][0] == first.id
    assert f"Queued {many} change" in press(relabel, embedded)
    run("save_changes", embedded)
    assert names(embedded)[first.id] == truth
    assert f"Added {many} sample" in press(segment, embedded, name="wrong")
    press(delete, embedded)
    run("save_changes", embedded)
    assert len(embedded) == 151 - many


def test_beside_fields_of_the_users_own_rankings_and_suggestions_have_other_names_to_the_end(embedded):
    first = embedded.first()
    truth = first.true_digit
    first.ground_truth.label = str((int(truth) + 1) % 10)
    first.save()
    own = ["mislabel_score", "mislabel_suggestion", "duplicate_group", "suggested_label"]
    for name in own:
        embedded.set_values(name, ["mine"] * len(embedded))
    ranking = outcome("rank_mislabels", embedded, embeddings="emb")
    assert "(“mislabel_score_2”)" in ranking.message
    assert "“mislabel_score” and “mislabel_suggestion” were not created by Labelscape" in ranking.message
    assert (ranking.view.first().id, list(ranking.shown_fields)) == (
        first.id,
        ["mislabel_score_2", "mislabel_suggestion_2"],
    )
    press(ranking.next_steps[0], embedded)
    assert "in “duplicate_group_2”" in run("find_duplicates", embedded, embeddings="emb")
    assert "in “suggested_label_2”" in run("suggest_labels", embedded, embeddings="emb", queue=True)
    run("save_changes", embedded)
    assert names(embedded)[first.id] == truth
    embedded.reload()
    assert all(set(embedded.values(name)) == {"mine"} for name in own)


def test_relabeling_without_a_better_label_is_refused_with_the_fix(embedded):
    message = trouble(form("relabel", embedded, selected=embedded.values("id")[:3]))
    assert "find wrong labels" in message


def test_what_to_label_next_is_shown_best_first_with_the_reason(embedded):
    shown = outcome("label_next", embedded, embeddings="emb")
    ids = shown.view.values("id")
    assert len(ids) == 9
    labels = names(embedded)
    assert all(labels[item] is None for item in ids)
    assert shown.message.startswith("Label these 9 samples next: the most informative")
    run("set_label", embedded, selected=ids, label="x")
    assert set(outcome("label_next", embedded, embeddings="emb").view.values("id")).isdisjoint(ids)
    run("set_label", embedded, view=embedded.skip(60), label="x", replace=True)
    with pytest.raises(ExecutionError, match="is already labeled in 'ground_truth'"):
        run("label_next", embedded, embeddings="emb")


def test_duplicates_are_grouped_leaks_told_and_all_but_one_queued(embedded):
    twin = fo.Sample(filepath=embedded.first().filepath, tags=["test"])
    sample = embedded.first()
    sample.tags = ["train"]
    sample.save()
    embedded.add_sample(twin)
    run("compute_embeddings", embedded, into="emb")
    message = run("find_duplicates", embedded, embeddings="emb", split="tags", delete=True)
    assert "2 samples in 1 group of duplicates" in message
    assert "leak across “tags”" in message
    assert embedded[twin.id].duplicate_group == embedded.first().duplicate_group
    assert embedded[twin.id].duplicate_leak == "leak"
    before = len(embedded)
    run("save_changes", embedded)
    assert len(embedded) < before
    assert (twin.id in embedded) != (sample.id in embedded)
    run("undo_save", embedded)
    assert len(embedded) == before


def test_the_whole_dataset_is_ranked_where_it_was_chosen_in_spite_of_a_tick(embedded):
    ids = embedded.values("id")
    assert "Ranked 1 sample" in run("rank_outliers", embedded, selected=ids[:1], embeddings="emb")
    chosen = run("rank_outliers", embedded, selected=ids[:1], embeddings="emb", view_target="DATASET")
    assert "Ranked 150 samples" in chosen
