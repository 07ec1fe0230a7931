"""`import labelscape as ls`: the menu's actions in a script, each with a short report."""

import subprocess
import sys

import labelscape as ls
import pytest
from labelscape.ml_backend.errors import Refusal


@pytest.fixture(scope="module")
def explored(database):
    """Two hundred digits, forty of them labeled, with embeddings and a map, made through the API alone."""
    import fiftyone as fo
    from labelscape.cli.digits import write_digits

    from .conftest import HOME

    paths, digits = write_digits(HOME / "digits", count=200)
    dataset = fo.Dataset("api-digits", persistent=True)
    dataset.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    dataset.add_samples(
        fo.Sample(filepath=str(path), ground_truth=fo.Classification(label=str(digit)) if row < 40 else None)
        for row, (path, digit) in enumerate(zip(paths, digits.tolist(), strict=True))
    )
    yield dataset, ls.embed(dataset, progress=False), ls.project(dataset, method="pca", progress=False)
    fo.delete_dataset("api-digits")


def test_embedding_and_mapping_need_no_names(explored):
    dataset, embedded, drawn = explored
    assert embedded.embedded == 200
    assert repr(embedded) == embedded.sentence()
    assert dataset.load_brain_results(drawn.report.key).points.shape == (200, 2)


def test_a_map_draws_itself_in_a_notebook(explored):
    _, _, drawn = explored
    html = drawn._repr_html_()
    assert "data:image/png;base64," in html
    assert len(html) > 5_000


def test_suggest_accept_save_and_undo(explored):
    dataset, _, _ = explored
    report = ls.suggest(dataset, precision=0.9, progress=False)
    assert 0 < report.sure <= report.suggested <= 160
    accepted = ls.accept(dataset)
    assert len(accepted.queued) == report.sure
    assert len(repr(accepted)) < 500
    saved = ls.save(dataset, progress=False)
    assert saved.labels == report.sure
    assert dataset.count("ground_truth") == 40 + report.sure
    assert ls.undo(dataset).startswith("Undid")
    assert dataset.count("ground_truth") == 40


def test_rankings_are_views_with_a_short_repr(explored):
    dataset, _, _ = explored
    for ranking in (ls.rank_outliers(dataset, progress=False), ls.rank_mislabels(dataset, progress=False)):
        assert len(repr(ranking)) < 1_000
        assert set(ranking.view.values("id")) <= set(dataset.values("id"))


def test_without_embeddings_the_error_names_the_next_call(make_digits_dataset):
    with pytest.raises(Refusal, match=r"labelscape\.embed"):
        ls.project(make_digits_dataset(5), progress=False)


def test_the_api_lists_itself_and_every_name_exists():
    assert all(getattr(ls, name) is not None for name in dir(ls))
    assert ls.__version__
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = ls.nothing_like_this


def test_importing_labelscape_imports_nothing_heavy():
    code = "import sys, labelscape; print(sorted({'fiftyone', 'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_like_three_examples_is_found_and_kept_as_a_function(explored):
    dataset, _, _ = explored
    threes = dataset.match({"ground_truth.label": "3"})
    assert len(threes) >= 3
    similar = ls.find_similar(dataset, threes, count=10)
    assert len(similar.ids) == 10
    assert set(similar.ids).isdisjoint(threes.values("id"))
    kept = ls.create_function(dataset, "Threes", threes, threshold=0.9, progress=False)
    assert dataset.count(kept.function.field) == 200
    assert "“Threes” scored 0 new samples" in repr(ls.update(dataset, progress=False))


def test_checks_of_a_few_suggestions_guarantee_the_rest(explored):
    dataset, _, _ = explored
    ls.suggest(dataset, precision=0.9, progress=False)
    started = ls.start_audit(dataset, target=0.7)
    assert "drawn at random" in repr(started)
    suggested = dict(zip(*dataset.values(["id", "suggested_label.label"]), strict=True))
    for item in started.ids:
        ls.set_label(dataset.select(item), suggested[item])
    result = ls.audit_result(dataset)
    assert (result.left, result.guarantee.right) == (0, len(started.ids))
    assert len(ls.accept_audited(dataset).queued) == started.population - len(started.ids)
    ls.discard(dataset)


def test_a_ranking_shows_its_first_samples_in_a_notebook(explored):
    dataset, _, _ = explored
    ranking = ls.rank_outliers(dataset, progress=False)
    html = ranking._repr_html_()
    assert html.startswith(f"<p>{ranking.sentence()}</p>")
    assert html.count("data:image/jpeg;base64,") == 8


def test_objects_show_as_crops_and_what_is_no_image_is_left_out(tmp_path):
    import fiftyone as fo
    from labelscape.cli.scenes import add_scenes
    from labelscape.ml_backend.store.pictures import thumbnails_html

    dataset = fo.Dataset()
    add_scenes(dataset, tmp_path, count=2)
    patches = dataset.to_patches("ground_truth")
    assert thumbnails_html(patches).count("<img") == min(8, len(patches))
    broken = fo.Dataset()
    (tmp_path / "broken.png").write_bytes(b"no image")
    broken.add_sample(fo.Sample(filepath=str(tmp_path / "broken.png")))
    assert thumbnails_html(broken.view()) == ""
    dataset.delete()
    broken.delete()
