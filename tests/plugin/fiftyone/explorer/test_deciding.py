"""Suggestions in the data explorer are accepted and rejected, the uncertain ones only when requested."""

import fiftyone as fo
from labelscape.ml_backend.store.items import list_items
from labelscape.ml_backend.store.suggestions import Suggestion, write_suggestions

from .front import SUGGESTED, UNCERTAIN, UNLABELED, Front


def test_accept_takes_the_confident_suggestions_and_the_uncertain_only_when_told_so(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.set_values(
        "suggested_label",
        {
            ids[row]: fo.Classification(label="7", confidence=0.6 + 0.3 * (row < 82), sure=row < 82)
            for row in range(80, 85)
        },
        key_field="id",
    )
    mapped_digits.add_sample_field("suggested_label.sure", fo.BooleanField)
    explorer.do("sync", revision=-1)
    front = Front(explorer)
    assert [front.states[row] for row in range(80, 85)] == [SUGGESTED] * 2 + [UNCERTAIN] * 3
    assert explorer.field("@labels")[80:86] == ["7"] * 5 + [None]
    reply = front.take(explorer.do("accept", which="confident", **explorer.rows(*range(80, 90))))
    assert (reply["count"], reply["uncertain"], reply["skipped"]) == (2, 3, 5)
    assert [front.labels[row] for row in range(80, 85)] == ["7", "7", None, None, None]
    reply = front.take(explorer.do("accept", which="uncertain", **explorer.rows(*range(80, 90))))
    assert (reply["count"], reply["uncertain"]) == (3, 0)
    front.take(explorer.do("undo"))
    assert [front.states[row] for row in range(82, 85)] == [UNCERTAIN] * 3


def test_suggestions_are_accepted_and_rejected(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.set_values(
        "suggested_label",
        {ids[row]: fo.Classification(label=str(row % 2), confidence=0.75, sure=True) for row in (80, 81, 82, 83)},
        key_field="id",
    )
    mapped_digits.add_sample_field("suggested_label.sure", fo.BooleanField)
    explorer.do("sync", revision=-1)
    front = Front(explorer)
    assert [front.states[row] for row in (80, 83)] == [SUGGESTED] * 2
    fact = explorer.do("facts", **explorer.map, rows=[81])["facts"][0]
    assert fact["suggestion"] == {"label": "1", "confidence": 0.75}
    reply = front.take(explorer.do("accept", which="confident", **explorer.rows(80, 81, 90)))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert [front.labels[row] for row in (80, 81, 90)] == ["0", "1", None]
    front.take(explorer.do("undo"))
    assert [front.states[row] for row in (80, 81)] == [SUGGESTED] * 2
    reply = front.take(explorer.do("reject", **explorer.rows(82, 83, 84)))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert [front.states[row] for row in (82, 83)] == [UNLABELED] * 2
    assert "no suggestions to accept" in explorer.ask("accept", which="confident", **explorer.rows(90))["error"]


def test_several_classes_suggested_are_shown_together_and_accepted_as_one(explorer, mapped_digits):
    ids = mapped_digits.values("id")
    mapped_digits.add_sample_field("kinds", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classifications)
    several = Suggestion("7", 0.99, True, [], "kinds", ("odd",), (0.96,), ("",))
    write_suggestions(mapped_digits, list_items(mapped_digits.select([ids[80], ids[81]])), [several] * 2)
    explorer.do("set_label_field", field="kinds")
    fact = explorer.do("facts", **explorer.map, rows=[80])["facts"][0]
    assert fact["suggestion"] == {"label": "7, odd", "confidence": 0.96}
    reply = explorer.do("accept", which="confident", **explorer.rows(80, 81, 90))
    assert (reply["count"], reply["skipped"]) == (2, 1)
    assert explorer.state["pending"]["labels"] == 4
    assert explorer.do("facts", **explorer.map, rows=[80])["facts"][0]["label"] == "7"
    explorer.do("save")
    assert explorer.do("facts", **explorer.map, rows=[80])["facts"][0]["label"] == "7, odd"


def test_suggestions_are_shown_for_the_label_field_they_were_made_for(explorer, mapped_digits):
    explorer.finish(explorer.do("suggest_labels", selection=None, precision=0.8)["job"])
    suggested = [row for row, state in enumerate(explorer.states()) if state == SUGGESTED]
    assert suggested
    mapped_digits.add_sample_field("color", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    explorer.do("set_label_field", field="color")
    assert explorer.states() == [UNLABELED] * 120
    assert explorer.do("facts", **explorer.map, rows=suggested[:1])["facts"][0]["suggestion"] is None
    # An earlier version did not write down the field.
    mapped_digits._sample_collection.update_many({}, {"$unset": {"suggested_label.field": ""}})
    explorer.do("set_label_field", field="ground_truth")
    explorer.do("clear_explorer", ids=["view"])
    explorer.load("flat")
    assert [row for row, state in enumerate(explorer.states()) if state == SUGGESTED] == suggested
