"""Edits touch only what is unchanged: applying them twice equals once, and what a person changed stays."""

from dataclasses import replace

import bson
import fiftyone as fo
import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.store.edits import Edit, apply, pack_edits, renamed, root_of, roots, unpack_edits
from labelscape.ml_backend.store.label_edits import attribute_edit

documents = st.none() | st.dictionaries(st.sampled_from(["label", "note"]), st.text(max_size=4), min_size=1)
edits = st.builds(
    Edit,
    st.sampled_from(["value", "element", "attributes"]),
    st.just("0" * 24),
    st.sampled_from(["kind", "parts.detections"]),
    documents,
    documents,
    st.none() | st.just("1" * 24),
    st.none() | st.integers(0, 3),
    st.sampled_from(["label", "clear", "delete"]),
)


@settings(deadline=None)
@given(st.lists(edits, max_size=8))
def test_packed_edits_are_the_same_edits_in_their_order(listed):
    parts = list(pack_edits(listed))

    assert [edit for _, part in parts for edit in unpack_edits(part)] == listed
    assert sum(number for number, _ in parts) == len(listed)


def test_many_edits_are_packed_in_parts_that_fit_into_a_document():
    text = "x" * 3_000_000
    big = [Edit("value", f"{number:024x}", "kind", None, {"label": text}) for number in range(7)]

    parts = list(pack_edits(big))

    assert [number for number, _ in parts] == [2, 2, 2, 1]
    assert [edit.sample for _, part in parts for edit in unpack_edits(part)] == [edit.sample for edit in big]
    assert all(len(bson.encode({"data": part})) < 16_000_000 for _, part in parts)


@settings(deadline=None)
@given(edits)
def test_the_inverse_of_the_inverse_is_the_edit(edit):
    assert edit.inverse() == replace(edit, before=edit.after, after=edit.before)
    assert edit.inverse().inverse() == edit


def test_a_path_belongs_to_its_field_of_samples_or_frames():
    assert [root_of(path) for path in ("kind", "parts.detections", "frames.parts.detections", "")] == [
        "kind",
        "parts",
        "frames.parts",
        "",
    ]
    assert roots([Edit("value", "0" * 24, path, None, None) for path in ("a.b", "a", "c")]) == {"a", "c"}


def test_edits_follow_a_renamed_field_and_leave_a_deleted_one_out():
    some = [Edit("element", "0" * 24, path, None, None) for path in ("a.detections", "b", "c")]

    assert [edit.path for edit in renamed(some, {"a": "z", "b": None})] == ["z.detections", "c"]


@pytest.fixture
def dataset(make_digits_dataset):
    dataset = make_digits_dataset(4, labeled=2)
    dataset.add_sample_field("parts", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    dataset.add_sample_field("kinds", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classifications)
    return dataset


def document(name, **more):
    return dict(fo.Classification(label=name, **more).to_mongo())


def stored(dataset, sample, field="ground_truth"):
    return dataset._sample_collection.find_one({"_id": ObjectId(sample)})[field]


def test_a_label_is_set_where_there_is_none_and_applying_it_again_changes_nothing(dataset):
    labeled, empty = dataset.values("id")[0], dataset.values("id")[3]
    expected = [Edit("value", sample, "ground_truth", None, document("new")) for sample in (labeled, empty)]

    written = apply(dataset, expected)
    again = apply(dataset, expected)

    assert (written["label"], again["label"]) == (1, 0)
    assert dataset[empty].ground_truth.label == "new"
    assert dataset[labeled].ground_truth.label != "new"


def test_an_undo_takes_back_what_is_still_ours_and_leaves_what_a_person_changed(dataset):
    ids = dataset.values("id")[2:]
    made = [Edit("value", sample, "ground_truth", None, document("new")) for sample in ids]
    apply(dataset, made)
    dataset.set_values("ground_truth.label", {ids[0]: "theirs"}, key_field="id")

    written = apply(dataset, made, undo=True)

    assert written["label"] == 1
    assert stored(dataset, ids[0])["label"] == "theirs"
    assert stored(dataset, ids[1]) is None


def test_a_sample_in_memory_shows_the_edit_without_a_reload(dataset):
    sample = dataset.last()

    apply(dataset, [Edit("value", str(sample.id), "ground_truth", None, document("new"))])

    assert sample.ground_truth.label == "new"


def test_labels_join_a_list_that_is_made_when_missing_and_each_class_once(dataset):
    sample = dataset.first().id
    join = [Edit("element", sample, "kinds.classifications", None, document(name)) for name in ("a", "b", "a")]

    assert apply(dataset, join)["label"] == 2
    assert [one.label for one in dataset[sample].kinds.classifications] == ["a", "b"]


def test_removed_elements_come_back_at_their_positions(dataset):
    sample = dataset.first().id
    apply(dataset, [Edit("element", sample, "kinds.classifications", None, document(name)) for name in "abcd"])
    before = stored(dataset, sample, "kinds")["classifications"]
    # from the back, as `label_edits` makes them
    removals = [
        Edit("element", sample, "kinds.classifications", before[place], None, position=place) for place in (3, 1)
    ]

    apply(dataset, removals)
    assert [one["label"] for one in stored(dataset, sample, "kinds")["classifications"]] == ["a", "c"]
    apply(dataset, removals, undo=True)

    assert stored(dataset, sample, "kinds")["classifications"] == before


def test_attributes_of_one_object_change_and_the_others_and_its_other_attributes_stay(dataset):
    sample = dataset.first().id
    boxes = [fo.Detection(label=name, bounding_box=[0, 0, 1, 1], tags=["x"]) for name in "ab"]
    dataset.set_values("parts", {sample: fo.Detections(detections=boxes)}, key_field="id")
    before = stored(dataset, sample, "parts")["detections"]
    edit = attribute_edit(sample, "parts.detections", 1, before[1], {"label": "z"})

    assert apply(dataset, [edit])["label"] == 1
    after = stored(dataset, sample, "parts")["detections"]
    assert after == [before[0], {**before[1], "label": "z"}]
    assert apply(dataset, [edit])["label"] == 0  # its label is no longer the one from before
    apply(dataset, [edit], undo=True)
    assert stored(dataset, sample, "parts")["detections"] == before


def test_a_deleted_sample_comes_back_in_the_schema_of_today(dataset):
    sample = str(dataset.first().id)
    whole = dataset._sample_collection.find_one({"_id": ObjectId(sample)})
    deletion = [Edit("sample", sample, "", whole, None, purpose="delete")]
    assert apply(dataset, deletion)["delete"] == 1
    dataset.rename_sample_field("true_digit", "digit")
    dataset.add_sample_field("fresh", fo.IntField)

    assert apply(dataset, deletion, undo=True, names={"true_digit": "digit"})["delete"] == 1

    back = dataset[sample]
    assert (back.digit, back.fresh, back.ground_truth.label) == (
        whole["true_digit"],
        None,
        whole["ground_truth"]["label"],
    )


def test_a_sample_changed_since_its_deletion_was_prepared_stays(dataset):
    sample = str(dataset.first().id)
    whole = dataset._sample_collection.find_one({"_id": ObjectId(sample)})
    dataset.set_values("true_digit", {sample: "changed"}, key_field="id")

    assert apply(dataset, [Edit("sample", sample, "", whole, None, purpose="delete")])["delete"] == 0
    assert sample in dataset
