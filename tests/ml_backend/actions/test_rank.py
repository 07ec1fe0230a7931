"""Copies of pages that look alike are found, and no two different pages are called duplicates."""

import fiftyone as fo
import numpy as np
import pytest
from labelscape.ml_backend.actions.embed import compute_embeddings
from labelscape.ml_backend.actions.rank import find_duplicates, rank_mislabels, rank_outliers
from labelscape.ml_backend.errors import Cancelled
from PIL import Image, ImageDraw, ImageOps

from .clusters import embed_clusters

PAGES, COPIES = 40, 5


def page(seed):
    """A scan of a page of text: the same margins and line height on every page."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 560), (250, 250, 247))
    draw = ImageDraw.Draw(image)
    for line in range(14):
        words = ("".join(map(chr, random.integers(97, 123, random.integers(3, 9)))) for _ in range(9))
        draw.text((40, 50 + line * 33), " ".join(words), fill=(25, 25, 25))
    noise = random.integers(-3, 4, (560, 400, 3))
    return Image.fromarray(np.clip(np.asarray(image).astype(int) + noise, 0, 255).astype(np.uint8))


def cropped(image):
    return image.crop((20, 28, 380, 532)).resize(image.size)


@pytest.fixture
def pages(make_digits_dataset, tmp_path):
    """40 pages; the first are there again as a JPEG, at half the size, cropped by 5 % a side, and mirrored."""
    dataset = make_digits_dataset(1)
    dataset.clear()
    changes = {"again": lambda image: image, "smaller": lambda image: image.resize((200, 280)), "cropped": cropped}
    changes["mirrored"] = ImageOps.mirror
    samples = []
    for number in range(PAGES):
        image, path = page(number), tmp_path / f"{number:03}.png"
        image.save(path)
        samples.append(fo.Sample(filepath=str(path), page=number, how="original"))
        how = list(changes)[number // COPIES] if number < COPIES * len(changes) else None
        if how is not None:
            path = tmp_path / f"{number:03}_{how}.{'jpg' if how == 'again' else 'png'}"
            changes[how](image).save(path, **({"quality": 80} if how == "again" else {}))
            samples.append(fo.Sample(filepath=str(path), page=number, how=how))
    dataset.add_samples(samples)
    compute_embeddings(dataset, key="emb")
    return dataset


def grouped_pages(dataset):
    """The copies found with their originals by kind, and the groups with two different pages."""
    groups = {}
    for group, *member in zip(*dataset.values(["duplicate_group", "page", "how"]), strict=True):
        if group is not None:
            groups.setdefault(group, []).append(member)
    ways = [how for members in groups.values() for _, how in members if how != "original"]
    mixed = [members for members in groups.values() if len({number for number, _ in members}) > 1]
    return {how: ways.count(how) for how in set(ways)}, mixed


def test_pages_saved_again_resized_slightly_cropped_or_mirrored_are_found_and_no_two_pages_are_mixed(pages):
    ranking = find_duplicates(pages, embeddings="emb")
    ways, mixed = grouped_pages(pages)
    assert mixed == []
    assert ways == dict.fromkeys(("again", "smaller", "cropped", "mirrored"), COPIES)
    assert "that look the same" in ranking.message
    assert "0 identical" in ranking.message
    assert len(ranking.suspects) == sum(ways.values())


def test_a_given_threshold_is_taken_at_its_word(pages):
    find_duplicates(pages, embeddings="emb", threshold=0.001)
    distances = [distance for distance in pages.values("duplicate_distance") if distance is not None]
    assert all(distance <= 0.001 + 1e-6 for distance in distances)


def test_images_that_are_gone_are_counted_and_compared_by_their_vectors(pages):
    originals = pages.match({"how": "original"}).values("filepath")
    for path in (originals[0], originals[-1]):
        fo.core.storage.delete_file(path)
    message = find_duplicates(pages, embeddings="emb").message
    assert message.endswith(" 2 images could not be read and were compared by embedding only.")


def test_a_search_for_duplicates_that_is_stopped_while_it_reads_images_writes_nothing(pages):
    def stop(share, message):
        if "images" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        find_duplicates(pages, embeddings="emb", progress=stop)
    assert not pages.has_field("duplicate_group")


def test_objects_that_show_the_same_in_copies_of_a_photo_are_found(make_digits_dataset, tmp_path):
    """Each sheet shows one page; half of the sheets are there again, saved as JPEGs."""
    dataset = make_digits_dataset(1)
    dataset.clear()
    samples = []
    for number in range(30):
        sheet = Image.new("RGB", (500, 660), (70, 90, 60))
        sheet.paste(page(number), (50, 50))
        for name in ("sheet.png", "again.jpg")[: 1 + (number < 15)]:
            path = tmp_path / f"{number}_{name}"
            sheet.save(path)
            label = fo.Detection(label="page", bounding_box=[0.1, 50 / 660, 0.8, 560 / 660], page=number)
            samples.append(fo.Sample(filepath=str(path), objects=fo.Detections(detections=[label])))
    dataset.add_samples(samples)
    compute_embeddings(dataset, key="emb", patches_field="objects")

    find_duplicates(dataset, embeddings="emb")

    groups = {}
    names = ["duplicate_group", "page"]
    for group, number in zip(
        *dataset.values([f"objects.detections.{name}" for name in names], unwind=True), strict=True
    ):
        if group is not None:
            groups.setdefault(group, []).append(number)
    assert all(len(set(numbers)) == 1 for numbers in groups.values())
    assert len(groups) >= 14


# --- checked, nothing there ------------------------------------------------------------------------------------------


def labels_of(names, *, several):
    """Labels that a person set; None is “checked, nothing there”."""
    if not several:
        return [fo.Classification(label=name, labelscape="human") for name in names]
    kept = [[fo.Classification(label=name, labelscape="human")] if name else [] for name in names]
    return [fo.Classifications(classifications=listed, labelscape="human") for listed in kept]


@pytest.fixture
def checked(make_digits_dataset):
    """Digits: zeros are labeled “zero”; in ones, nothing was found. Two of them were confused."""

    def make(*, several):
        dataset = make_digits_dataset(400, labeled=0)
        view = dataset.match(fo.ViewField("true_digit").is_in(["0", "1"]))
        digits = view.values("true_digit")
        names = ["zero" if digit == "0" else None for digit in digits]
        hidden, invented = digits.index("0", 5), digits.index("1", 5)
        names[hidden], names[invented] = None, "zero"
        ids = view.values("id")
        dataset.delete_samples(dataset.exclude(ids))
        dataset.delete_sample_field("ground_truth")
        kind = fo.Classifications if several else fo.Classification
        dataset.add_sample_field("thing", fo.EmbeddedDocumentField, embedded_doc_type=kind)
        labels = dict(zip(ids, labels_of(names, several=several), strict=True))
        dataset.set_values("thing", labels, key_field="id", dynamic=True)
        embed_clusters(dataset)
        return dataset, ids[hidden], ids[invented]

    return make


@pytest.mark.parametrize("several", [False, True])
def test_what_was_checked_and_found_empty_is_a_class_of_its_own_for_outliers(checked, several):
    dataset, hidden, invented = checked(several=several)
    ranking = rank_outliers(dataset, embeddings="emb", field="thing")
    assert {hidden, invented} <= set(ranking.ids[:5])
    dataset.reload()
    assert {dataset[item].outlier_reason for item in (hidden, invented)} <= {
        "far from its class",
        "in another class's region",
    }


def test_what_was_checked_and_found_empty_is_evidence_against_labels_and_may_be_wrong_itself(checked):
    dataset, hidden, invented = checked(several=False)
    ranking = rank_mislabels(dataset, embeddings="emb", field="thing")
    assert set(ranking.ids[:2]) == set(ranking.suspects[:2]) == {hidden, invented}
    favored = "the evidence favors another label for 1 (“mislabel_suggestion”) and no label at all for 1."
    assert favored in ranking.message
    assert "Method:" not in ranking.message  # only who asks for it reads how
    assert ranking.sentence().startswith(f"{ranking.message} Method: ")
    dataset.reload()
    assert [dataset[item].mislabel_suggestion for item in (hidden, invented)] == ["zero", None]
