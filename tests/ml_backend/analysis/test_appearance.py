import cv2
import numpy as np
from labelscape.ml_backend.analysis.appearance import Appearance, LookAlikes


def drawing(seed):
    """A smooth picture of its own for each seed, 320 x 320."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8)).astype(np.uint8)
    return cv2.resize(small, (320, 320), interpolation=cv2.INTER_CUBIC)


def frame(seed):
    """One scene, and in it a thing at a place of its own for each seed."""
    image = drawing(1000)
    left, top = np.random.default_rng(seed).integers(0, 280, 2)
    image[top : top + 30, left : left + 30] = np.where(image[top : top + 30, left : left + 30].mean() > 127, 0, 255)
    return image


def looks(images, known=None):
    """The judge of these images, whose neighbors by embedding are all others."""
    pictures = np.stack([cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA) for image in images])
    appearance = Appearance(np.ones(len(images), bool) if known is None else known, pictures)
    neighbors = np.array([[other for other in range(len(images)) if other != row] for row in range(len(images))])
    return LookAlikes(appearance, np.arange(len(images)), neighbors)


def pairs(judge):
    return {tuple(pair) for pair in np.stack(judge.pairs(), axis=1).tolist()}


def with_copies(make):
    images = [make(seed) for seed in range(30)]
    copies = [images[0], images[1][:, ::-1], images[2][12:-12, 12:-12], images[3][10:, :-6]]
    return [*images, *copies]


def test_mirrored_and_cropped_copies_are_found_among_pictures_of_their_own():
    judge = looks(with_copies(drawing))
    assert pairs(judge) == {(0, 30), (1, 31), (2, 32), (3, 33)}
    assert not judge.narrow.any()


def test_mirrored_and_cropped_copies_are_found_among_frames_of_one_scene():
    judge = looks(with_copies(frame))
    assert pairs(judge) == {(0, 30), (1, 31), (2, 32), (3, 33)}


def form(seed):
    """One printed form of twelve lines, with words of its own for each seed in some of them."""
    random = np.random.default_rng(seed)
    image = np.full((560, 420), 250, np.uint8)
    for row in range(12):
        top = 34 + 42 * row
        cv2.putText(image, f"{row + 1}. Field of the form", (20, top + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 20)
        cv2.rectangle(image, (190, top), (400, top + 24), 20)
        if random.random() < 0.7:
            word = "".join(map(chr, random.integers(97, 123, random.integers(4, 20))))
            cv2.putText(image, word, (196, top + 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 60)
    return image


def test_unevenly_cropped_copies_of_a_form_are_found_among_others_filled_in_differently():
    forms = [form(seed) for seed in range(40)]
    crops = [forms[0][25:-4, 12:-3], forms[1][3:-30, 2:-15], forms[2][15:-10, 20:], forms[3][:, ::-1][8:, :-12]]
    assert pairs(looks([*forms, *crops])) == {(0, 40), (1, 41), (2, 42), (3, 43)}


def test_an_unevenly_cropped_frame_is_found_among_others_of_its_scene():
    frames = [frame(seed) for seed in range(30)]
    crops = [frames[4][18:-3, 4:-15], frames[5][2:-16, 17:-6]]
    assert pairs(looks([*frames, *crops])) == {(4, 30), (5, 31)}


def test_a_pair_is_judged_the_same_in_both_orders():
    judge = looks(with_copies(frame))
    copies, originals = np.array([30, 31, 32, 33]), np.arange(4)
    assert judge.same(copies, originals).all()
    assert judge.same(originals, copies).all()
    assert not judge.same(copies, originals[::-1]).any()


def test_among_frames_of_one_scene_closeness_is_no_evidence_of_a_copy():
    judge = looks([frame(seed) for seed in range(12)] + [drawing(1)])
    assert judge.narrow.tolist() == [True] * 12 + [False]
    assert judge.confusable(np.array([0, 0]), np.array([1, 12])).tolist() == [True, False]


def test_samples_without_a_picture_are_the_same_as_none():
    judge = looks([drawing(0)] * 3, known=np.array([True, False, True]))
    assert judge.same(np.array([0, 0, 1]), np.array([1, 2, 1])).tolist() == [False, True, False]
    assert pairs(judge) == {(0, 2)}
    assert not judge.narrow[1]


def test_no_pictures_have_no_pairs():
    assert pairs(looks([drawing(0)] * 3, known=np.zeros(3, bool))) == set()


def test_an_image_of_fine_stripes_changes_nothing_for_the_others():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[::2] = 255
    images = [cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA) for image in with_copies(drawing)]
    assert pairs(looks([*images, stripes])) == {(0, 30), (1, 31), (2, 32), (3, 33)}
