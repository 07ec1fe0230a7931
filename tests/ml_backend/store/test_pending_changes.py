"""Folding: of many actions, the last one on each item counts, in whatever order fields and items come."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelscape.ml_backend.store.pending import PendingAct
from labelscape.ml_backend.store.pending_appended import fold_appended
from labelscape.ml_backend.store.pending_changes import fold
from labelscape.ml_backend.store.pending_columns import pending_label
from labelscape.ml_backend.store.records import as_names, as_oids


def item(number):
    return f"{number:024x}"


def ids(*numbers):
    return as_oids([item(number) for number in numbers])


def label(name, *numbers, field="kind", **more):
    return PendingAct(kind="label", ids=ids(*numbers), field=field, label=name, **more)


def clear(*numbers, field="kind", which="all", **more):
    return PendingAct(kind="clear", ids=ids(*numbers), field=field, which=which, **more)


def delete(*numbers, **more):
    return PendingAct(kind="delete", ids=ids(*numbers), **more)


def discard(*numbers):
    return PendingAct(kind="discard", ids=ids(*numbers))


def folded(*acts, fields=None):
    return fold(acts, fields or [act.field for act in acts])


def cleared_of(changes):
    """Item id → which of its labels are to be cleared."""
    return dict(zip(as_names(changes.cleared), changes.which.tolist(), strict=True))


def labels(changes):
    return {(one.field, one.item): one.label for one in changes.labels}


def test_the_last_label_of_an_item_counts():
    changes = folded(label("cat", 1, 2), label("dog", 2, 3))

    assert labels(changes) == {("kind", item(1)): "cat", ("kind", item(2)): "dog", ("kind", item(3)): "dog"}


def test_in_a_field_of_several_labels_they_gather_each_class_once():
    changes = folded(label("cat", 1, multi=True), label("dog", 1, multi=True), label("cat", 1, multi=True))

    assert [one.label for one in changes.labels] == ["dog", "cat"]


def test_a_label_after_a_clearing_may_replace_what_it_takes_and_a_clearing_after_a_label_takes_it():
    over, away = folded(clear(1, which="neighbors"), label("cat", 1)), folded(label("cat", 1), clear(1, which="ours"))

    assert [(one.label, one.replace) for one in over.labels] == [("cat", False)]
    assert over.fields[0].lifted.tolist() == ["neighbors"]
    assert over.n_cleared == 0
    assert (away.n_labels, cleared_of(away.fields[0])) == (0, {item(1): "ours"})


def test_of_several_labels_a_clearing_stays_beside_those_set_after_it():
    changes = folded(label("cat", 1, multi=True), clear(1, multi=True), label("dog", 1, multi=True))

    assert [(one.label, one.replace) for one in changes.labels] == [("dog", False)]
    assert cleared_of(changes.fields[0]) == {item(1): "all"}


def test_a_deletion_takes_the_labels_of_the_item_along_and_a_label_after_it_brings_it_back():
    gone, back = folded(label("cat", 1), delete(1)), folded(delete(1), label("cat", 1))

    assert (gone.n_labels, gone.deletions) == (0, {item(1): None})
    assert (labels(back), back.n_deletions) == ({("kind", item(1)): "cat"}, 0)


def test_a_discard_forgets_what_came_before_it_for_its_items_or_for_all():
    some = folded(label("cat", 1, 2), delete(3), discard(1, 3), label("dog", 3))
    every = folded(label("cat", 1, 2), delete(3), discard(), label("dog", 3))

    assert labels(some) == {("kind", item(2)): "cat", ("kind", item(3)): "dog"}
    assert labels(every) == {("kind", item(3)): "dog"}


def test_objects_and_samples_are_deleted_from_where_they_are():
    changes = folded(delete(1), delete(2, patches_field="parts"), delete(3))

    assert {field: as_names(items) for field, items in changes.deleted.items()} == {
        None: [item(1), item(3)],
        "parts": [item(2)],
    }


def test_confidence_and_anchor_stay_with_their_item_until_a_person_sets_the_label():
    followed = label("cat", 1, 2, origin="neighbors", confidence=np.array([0.7, 0.9]), anchors=ids(8, 9))

    by_neighbors, by_hand = folded(followed).labels, folded(followed, label("cat", 2)).labels

    assert [(one.confidence, one.anchor) for one in by_neighbors] == [(0.7, item(8)), (0.9, item(9))]
    assert [(one.item, one.origin, one.confidence, one.anchor) for one in by_hand] == [
        (item(1), "neighbors", 0.7, item(8)),
        (item(2), "human", None, None),
    ]


def test_a_field_renamed_between_actions_is_one_field():
    changes = folded(label("cat", 1, field="old"), label("dog", 1, field="new"), fields=["new", "new"])

    assert labels(changes) == {("new", item(1)): "dog"}


acts = st.lists(
    st.builds(
        lambda kind, numbers, name, field: {
            "label": lambda: label(name, *numbers, field=field),
            "clear": lambda: clear(*numbers, field=field),
            "delete": lambda: delete(*numbers),
            "discard": lambda: discard(*numbers),
        }[kind](),
        st.sampled_from(["label", "label", "clear", "delete", "discard"]),
        st.lists(st.integers(0, 4), unique=True, max_size=4),
        st.sampled_from("ab"),
        st.sampled_from(["kind", "other"]),
    ),
    max_size=12,
)


def one_after_another(acts):
    """The rules as a loop: what each item will be."""
    set_labels, cleared, deleted = {}, {}, set()
    for act in acts:
        numbers = as_names(act.ids)
        if act.kind == "discard":
            every = numbers or {*deleted, *(one for _, one in [*set_labels, *cleared])}
            for one in every:
                deleted.discard(one)
                for field in ("kind", "other"):
                    set_labels.pop((field, one), None)
                    cleared.pop((field, one), None)
            continue
        for one in numbers:
            if act.kind == "delete":
                deleted.add(one)
            elif act.kind == "label":
                deleted.discard(one)
                set_labels[act.field, one] = act.label
            else:
                set_labels.pop((act.field, one), None)
                cleared[act.field, one] = True
    return set_labels, cleared, deleted


@settings(deadline=None, max_examples=150)
@given(acts)
def test_folding_all_at_once_equals_the_actions_one_after_another(acts):
    set_labels, cleared, deleted = one_after_another(acts)
    changes = folded(*acts)

    assert labels(changes) == {place: name for place, name in set_labels.items() if place[1] not in deleted}
    assert {(one.field, item) for one in changes.fields for item in as_names(one.cleared)} == {
        place for place in cleared if place not in set_labels and place[1] not in deleted
    }
    assert set(changes.deletions) == deleted
    assert len(changes) == changes.n_labels + changes.n_cleared + changes.n_deletions


@settings(deadline=None, max_examples=150)
@given(acts, st.integers(0, 12), st.booleans())
def test_acts_folded_onto_the_others_equal_all_of_them_folded(acts, first, multi):
    acts = [replace(act, multi=multi, key=f"{number:02}") for number, act in enumerate(acts)]
    fields = [act.field for act in acts]
    before, fresh = acts[:first], acts[first:]

    extended = fold_appended(fold(before, fields[:first]), acts, fields, fold) if fresh else None

    assert (extended is None) == (not fresh or any(act.kind == "discard" for act in fresh))
    if extended is not None:
        everything = fold(acts, fields)
        assert extended.acts == everything.acts
        assert extended.deletions == everything.deletions
        places = [sorted(changes.labels, key=lambda one: (one.field, one.item)) for changes in (extended, everything)]
        assert places[0] == places[1]
        marks = [
            {one.field: (cleared_of(one), one.multi, one.mark) for one in c.fields} for c in (extended, everything)
        ]
        assert marks[0] == marks[1]


@settings(deadline=None)
@given(acts)
def test_a_label_read_by_its_number_is_the_one_in_the_rows(acts):
    for changes in folded(*acts).fields:
        assert [pending_label(changes, row) for row in range(len(changes.ids))] == list(changes.rows())


@pytest.mark.parametrize(
    ("acts", "sentence"),
    [
        ([], "Nothing is pending."),
        ([label("cat", 1), discard()], "Nothing is pending."),
        ([label("cat", 1)], "1 label pending."),
        ([label("cat", 1, 2), clear(3), delete(4)], "2 labels, 1 cleared label, and 1 deletion pending."),
    ],
)
def test_the_summary_counts_labels_clearings_and_deletions(acts, sentence):
    assert folded(*acts).sentence() == sentence


def test_a_discard_means_the_acts_that_it_names_wherever_it_stands_among_them():
    cat = label("cat", 1, 2, key="a")
    dog = label("dog", 1, 2, key="b")
    some = PendingAct(kind="discard", ids=ids(1), discards=("b",), key="c")
    everything = PendingAct(kind="discard", ids=ids(), discards=("a", "c"), key="d")

    assert labels(folded(cat, dog, some)) == {("kind", item(1)): "cat", ("kind", item(2)): "dog"}
    assert labels(folded(some, cat, dog)) == {("kind", item(1)): "cat", ("kind", item(2)): "dog"}
    assert labels(folded(everything, cat, dog, some)) == {("kind", item(1)): "dog", ("kind", item(2)): "dog"}
