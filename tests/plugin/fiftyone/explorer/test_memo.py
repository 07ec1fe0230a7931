"""Values that are made again only where what they depend on has changed."""

from labelscape.plugin.fiftyone.explorer.memo import Memo


def test_a_value_is_made_again_for_another_stamp_and_kept_for_the_same():
    memo: Memo[int] = Memo()
    made = []

    def make() -> int:
        made.append(len(made))
        return len(made)

    assert [memo.get("a", 1, make), memo.get("a", 1, make), memo.get("a", 2, make)] == [1, 1, 2]
    assert memo.get("b", 2, make) == 3
    assert (memo.peek("a"), memo.peek("c")) == (2, None)
    memo.forget("a")
    assert memo.get("a", 2, make) == 4
