"""Videos: the mean of the vectors of their frames; clips are parts of them; broken files are skipped with a reason."""

import cv2
import numpy as np
import pytest
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.errors import Refusal


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Twenty red frames, then twenty with stripes."""
    path = str(tmp_path_factory.mktemp("videos") / "video.mp4")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    stripes = np.zeros((48, 64, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = 255
    for frame in [np.full((48, 64, 3), (0, 0, 255), np.uint8)] * 20 + [stripes] * 20:
        writer.write(frame)
    writer.release()
    return path


def test_a_clip_is_near_its_half_and_the_whole_is_between(video):
    model = load("video/preprocessing", frames=8)
    media = [Media(video), Media(video, span=(1, 20)), Media(video, span=(21, 40)), Media(video, span=(2, 15))]
    vectors = model.embed(media).vectors
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole, red, striped, also_red = vectors
    assert red @ also_red > 0.98
    assert red @ striped < 0.7
    assert red @ striped < min(whole @ red, whole @ striped)


def test_the_vector_is_the_mean_of_the_frames_of_a_network(video, tmp_path):
    import torch
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "weights.pt")
    model = load("video/torchvision/resnet18", frames=4, weights=str(tmp_path / "weights.pt"), size=32)
    assert (model.name, model.dim) == ("video/torchvision/resnet18", 512)
    assert model.embed([video]).vectors.shape == (1, 512)


def test_videos_that_cannot_be_read_are_skipped_with_a_reason(video, tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video")
    media = [Media(str(tmp_path / name)) for name in ("empty.mp4", "text.mp4", "gone.mp4")]
    embedded = load("video/preprocessing").embed([*media, Media(video, span=(50, 60)), Media(video)])
    reasons = [failure.reason for failure in embedded.failed]
    assert reasons == [
        "the file is empty",
        "it is not a video that can be decoded",
        "the file does not exist",
        "the clip starts at frame 50, after the last of 40 frames",
    ]
    assert embedded.kept.tolist() == [4]


def test_a_model_of_something_else_than_images_is_refused():
    with pytest.raises(Refusal, match="cannot embed the frames of a video"):
        load("video/audio-preprocessing")
