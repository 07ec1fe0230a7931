"""Embedding models: order kept, failures skipped, weights from a local file, errors that say what to do."""

import re

import cv2
import numpy as np
import pytest
import torch
import torchvision
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelscape.cli.digits import write_digits
from labelscape.ml_backend.analysis.neighbors import knn
from labelscape.ml_backend.embedding import Media, load
from labelscape.ml_backend.embedding.image.preprocessing import Preprocessing
from labelscape.testing.pictures import write_smooth_images


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_smooth_images(tmp_path_factory.mktemp("images"), [(60 + n, 50) for n in range(12)], (5, 6, 3))


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet18.pt"
    network = torchvision.models.resnet18(num_classes=7)
    torch.save(network.half().state_dict(), path)
    return str(path)


def test_preprocessing_finds_neighbors_of_the_same_digit(tmp_path):
    paths, digits = write_digits(tmp_path)
    vectors = Preprocessing().embed([str(path) for path in paths]).vectors
    near = digits[knn(vectors, 15).indices]
    votes = (near[:, :, None] == np.arange(10)).sum(axis=1)
    assert (votes.argmax(axis=1) == digits).mean() >= 0.97


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 14), max_size=30), st.integers(1, 9))
def test_order_is_kept_and_each_failure_named_whatever_fails(files, order, batch_size):
    """Numbers from 12 on are files that are not there."""
    media = [files[number] if number < 12 else f"missing-{number}" for number in order]
    embedded = Preprocessing().embed(media, batch_size=batch_size)
    good = [row for row, number in enumerate(order) if number < 12]
    assert embedded.kept.tolist() == good
    assert [failure.index for failure in embedded.failed] == [r for r, n in enumerate(order) if n >= 12]
    assert all("does not exist" in failure.reason for failure in embedded.failed)
    one_by_one = [Preprocessing().embed([media[row]]).vectors[0] for row in good]
    np.testing.assert_array_equal(embedded.vectors, np.reshape(one_by_one, embedded.vectors.shape))


def test_a_raised_error_in_progress_stops_the_run(files):
    seen = []

    def stop(fraction, message):
        seen.append(fraction)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Preprocessing().embed(files, batch_size=2, progress=stop)
    assert seen == [2 / 12, 4 / 12]


@pytest.mark.parametrize(
    "architecture",
    [
        "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "mnasnet0_5",
        "mobilenet_v2", "mobilenet_v3_large", "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1",
        "swin_t", "vit_b_32",
    ],
)  # fmt: skip
def test_any_torchvision_backbone_gives_the_features_before_its_classifier(tmp_path, files, architecture):
    torch.manual_seed(0)
    options = {"init_weights": False} if architecture in ("googlenet", "inception_v3") else {}
    network = torchvision.models.get_model(architecture, weights=None, num_classes=5, **options)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = load(f"torchvision/{architecture}", weights=str(tmp_path / "weights.pt"))
    embedded = model.embed(files[:2])
    assert embedded.vectors.shape == (2, model.dim)
    assert model.dim > 5
    assert np.isfinite(embedded.vectors).all()


def test_features_are_those_that_torchvision_computes(files, resnet_file):
    network = torchvision.models.resnet18(num_classes=7)
    network.load_state_dict({k: v.float() for k, v in torch.load(resnet_file, weights_only=True).items()})
    network.fc = torch.nn.Identity()
    transform = torchvision.models.ResNet18_Weights.DEFAULT.transforms()
    images = torch.stack([transform(torchvision.io.decode_image(path)) for path in files])
    with torch.inference_mode():
        expected = network.eval()(images).numpy()
    got = load("torchvision/resnet18", weights=resnet_file).embed(files, batch_size=5).vectors
    cosine = (got * expected).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() > 0.999


def test_the_batch_size_changes_nothing_that_matters(files, resnet_file):
    model = load("torchvision/resnet18", weights=resnet_file)
    one, many = model.embed(files, batch_size=1).vectors, model.embed(files, batch_size=12).vectors
    np.testing.assert_allclose(one, many, atol=0.02 * np.abs(one).max())


def test_a_patch_is_embedded_like_the_cut_image(tmp_path, files, resnet_file):
    image = cv2.imread(files[0])
    cv2.imwrite(str(tmp_path / "cut.png"), image[:25, :30])
    model = load("torchvision/resnet18", weights=resnet_file)
    vectors = model.embed([Media(files[0], box=(0, 0, 0.5, 0.5)), str(tmp_path / "cut.png")]).vectors
    np.testing.assert_allclose(vectors[0], vectors[1], atol=0.02 * np.abs(vectors).max())


def test_a_densenet_file_with_the_hubs_old_names_fits(tmp_path):
    torch.manual_seed(0)
    state = torchvision.models.densenet121().state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): value for name, value in state.items()}
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "old.pt")
    fitted = load("torchvision/densenet121", weights=str(tmp_path / "old.pt")).network.state_dict()
    assert all(torch.equal(fitted[name], value) for name, value in state.items() if "classifier" not in name)


def test_patches_of_one_image_are_read_once_and_keep_their_order(files, monkeypatch):
    from labelscape.ml_backend.embedding.image import reading

    read = []
    original = reading.read_bytes
    monkeypatch.setattr(reading, "read_bytes", lambda path: read.append(path) or original(path))
    patches = [Media(path, (0, 0, share, 1)) for path in files[:3] for share in (0.3, 0.0, 0.6, 1.0)]
    embedded = Preprocessing().embed(patches, batch_size=5)
    assert sorted(read) == sorted(files[:3])
    assert [failure.index for failure in embedded.failed] == [1, 5, 9]
    alone = [Preprocessing().embed([patches[row]]).vectors[0] for row in embedded.kept]
    np.testing.assert_array_equal(embedded.vectors, alone)


def test_a_vector_that_is_not_finite_is_a_failure_not_a_vector(tmp_path, files):
    torch.manual_seed(0)
    state = torchvision.models.resnet18().state_dict()
    state["conv1.weight"].fill_(torch.nan)
    torch.save(state, tmp_path / "nan.pt")
    embedded = load("torchvision/resnet18", weights=str(tmp_path / "nan.pt")).embed(files[:2])
    assert embedded.vectors.shape[0] == 0
    assert all("not finite" in failure.reason for failure in embedded.failed)


def test_weights_of_another_network_are_refused_with_what_did_not_fit(resnet_file):
    with pytest.raises(ValueError, match=r"do not fit this model: \d+ missing \(features"):
        load("torchvision/mobilenet_v2", weights=resnet_file)
    with pytest.raises(ValueError, match=r"of another shape.*layer1"):
        load("torchvision/resnet50", weights=resnet_file)


def test_a_weights_file_that_would_run_code_is_refused(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w').close()",))

    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"state_dict": Evil()}))
    torch.save({"state_dict": Evil()}, tmp_path / "evil2.pt")
    (tmp_path / "text.safetensors").write_text("no weights")
    for name in ("evil.pt", "evil2.pt", "text.safetensors"):
        with pytest.raises(ValueError, match="plain weights"):
            load("torchvision/resnet18", weights=str(tmp_path / name))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("magic", {}, "not an embedding model; there are: preprocessing"),
        ("torchvision/magic", {}, "not a torchvision classification model; there are: alexnet"),
        ("open_clip/magic", {}, "not an open_clip model"),
        ("open_clip/ViT-B-32:magic", {}, "no weights 'magic' for ViT-B-32; there are: .*laion2b"),
        ("torchvision/resnet18", {"weights": "/nowhere.pt"}, "no weights file '/nowhere.pt'"),
        ("torchvision/resnet18", {"color": 1}, "has no option “color”; its options are: weights, size"),
    ],
)
def test_a_wrong_name_or_option_is_an_error_that_says_what_there_is(name, options, message):
    with pytest.raises(ValueError, match=message):
        load(name, **options)


def test_without_a_network_the_error_names_the_file_to_fetch(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(ValueError, match=r"Download https://.*resnet18.*weights"):
        load("torchvision/resnet18")


def test_a_tag_says_how_images_are_prepared_for_a_local_file(tmp_path):
    import open_clip

    torch.manual_seed(0)
    torch.save(open_clip.create_model("ViT-S-32-alt", pretrained=None).state_dict(), tmp_path / "clip.pt")
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, :40, 0] = wide[:, 80:, 1] = 255
    prepared = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_clip, "list_pretrained_tags_by_model", lambda name: ["shortest", "squash"])
        patch.setattr(open_clip, "get_pretrained_cfg", lambda name, tag: {"resize_mode": tag})
        for tag in ("shortest", "squash"):
            model = load(f"open_clip/ViT-S-32-alt:{tag}", weights=str(tmp_path / "clip.pt"))
            prepared[tag] = model.prepare(wide)
    assert prepared["shortest"].max() < 128  # the middle of the image alone, its edges blurred by enlarging
    np.testing.assert_array_equal(prepared["squash"].max(axis=(0, 1)), [255, 255, 0])


def test_open_clip_puts_images_and_texts_into_one_space(tmp_path, files):
    import open_clip

    torch.manual_seed(0)
    network = open_clip.create_model("ViT-S-32-alt", pretrained=None)
    torch.save(network.state_dict(), tmp_path / "clip.pt")
    model = load("open_clip/ViT-S-32-alt", weights=str(tmp_path / "clip.pt"))
    images, texts = model.embed(files[:3]).vectors, model.embed_text(["a cat", "a dog"])
    assert images.shape == (3, model.dim)
    assert texts.shape == (2, model.dim)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([images, texts]), axis=1), 1, atol=0.01)
    assert np.abs(texts[0] - texts[1]).max() > 0
