"""Labels, maps, and embeddings are cleared, renamed, and deleted one by one."""

from .front import Front, saved, words_of_undo


def test_maps_and_embeddings_are_renamed_and_deleted_one_by_one(explorer, mapped_digits):
    items = {item["id"]: item for item in explorer.do("clearable")["items"]}
    assert {"map:flat", "embeddings:pixels", "view"} <= set(items)
    assert "120 points" in items["map:flat"]["size"]
    explorer.do("rename_run", key="flat", name="plane")
    assert [run["key"] for run in explorer.state["maps"]] == ["plane"]
    assert explorer.state["map"]["key"] == "plane"
    assert "“plane”" in explorer.do("delete_run", key="plane")["done"]
    assert (explorer.state["maps"], explorer.state["map"]) == ([], None)
    assert [run["key"] for run in explorer.state["embeddings"]] == ["pixels"]
    explorer.do("clear_explorer", ids=["embeddings:pixels"])
    assert explorer.state["embeddings"] == []
    assert "tick what to clear" in explorer.ask("clear_explorer", ids=[])["error"]


def test_the_labels_that_would_be_cleared_are_counted_by_where_they_came_from(explorer):
    explorer.do("set_label", **explorer.rows(60), label="mine")
    explorer.do("save")
    assert explorer.do("count_labels") == {"field": "ground_truth", "all": 41, "ours": 1}
    explorer.do("clear_labels", which="ours")
    assert explorer.state["pending"] == {"labels": 0, "cleared": 1, "deletions": 0}


def test_clearing_all_labels_is_one_action_that_can_be_undone(explorer, mapped_digits):
    front = Front(explorer)
    before = saved(mapped_digits)
    assert front.take(explorer.do("clear_labels", which="all"))["done"]
    assert front.labels == [None] * 120
    assert words_of_undo(explorer)[0] == "clear the labels of 40 samples"
    front.take(explorer.do("undo"))
    assert saved(mapped_digits) == before
