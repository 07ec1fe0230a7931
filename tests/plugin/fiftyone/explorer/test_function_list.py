"""The functions section: saving a search, its matches, and everything else that can be done with it."""

from ...conftest import numbers


def functions(explorer):
    explorer.do("sync", revision=-1)
    return {info["slug"]: info for info in explorer.state["functions"]["functions"]}


def create(explorer, dataset, name="zeros", threshold=0.8):
    zeros = [row for row, digit in enumerate(dataset.values("true_digit")) if digit == "0"]
    explorer.do("search_similar", **explorer.map, liked=zeros[:2], disliked=[])
    marks = {**explorer.map, "liked": zeros[2:3], "disliked": []}
    ended = explorer.finish(explorer.do("create_function", name=name, threshold=threshold, **marks)["job"])
    assert ended["status"] == "done", ended


def test_a_search_with_its_marks_becomes_a_function_whose_matches_are_a_list(explorer, mapped_digits):
    refused = explorer.ask("create_function", name="early", threshold=0.5)["error"]
    assert "There is no search to save" in refused
    create(explorer, mapped_digits)
    info = functions(explorer)["zeros"]
    assert (info["name"], info["examples"], info["threshold"]) == ("zeros", "3 positives", 0.8)
    assert (info["scored"], info["new"], info["stale"]) == (120, 0, False)
    answer = explorer.do("open_list", **explorer.map, list="function:zeros")
    scores = numbers(answer["scores"], "<f4")
    assert len(scores) == info["matches"]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.8
    assert "function:zeros" in [entry["id"] for entry in explorer.state["lists"]]


def test_a_function_is_edited_renamed_duplicated_deleted_and_restored(explorer, mapped_digits):
    create(explorer, mapped_digits)
    ended = explorer.finish(explorer.do("edit_function", slug="zeros", threshold=0.2, note="all round ones")["job"])
    assert ended["status"] == "done", ended
    edited = functions(explorer)["zeros"]
    assert (edited["threshold"], edited["note"]) == (0.2, "all round ones")
    assert "“round”" in explorer.do("rename_function", slug="zeros", name="round")["done"]
    explorer.finish(explorer.do("duplicate_function", slug="round", name="copy")["job"])
    assert list(functions(explorer)) == ["round", "copy"]
    explorer.do("delete_function", slug="copy")
    assert list(functions(explorer)) == ["round"]
    (deleted,) = explorer.state["functions"]["deleted"]
    assert "Restored the function “copy”" in explorer.do("restore_function", key=deleted["key"])["done"]
    assert set(functions(explorer)) == {"round", "copy"}
    assert explorer.state["functions"]["deleted"] == []


def test_a_function_is_marked_stale_once_its_embeddings_were_deleted(explorer, mapped_digits):
    create(explorer, mapped_digits)
    explorer.do("delete_run", key="pixels")
    assert functions(explorer)["zeros"]["stale"]
    ended = explorer.finish(explorer.do("run_functions")["job"])
    assert "was skipped" in ended["message"]
