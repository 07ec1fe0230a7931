"""The form of “Compute embeddings”: every family of the registry, its options, and what is in a network's file."""

import cv2
import fiftyone as fo
import fiftyone.brain as fob
import fiftyone.operators as foo
import numpy as np
import pytest
import torch
from fiftyone.operators.executor import ExecutionContext
from fiftyone.operators.registry import OperatorRegistry
from labelscape.ml_backend.actions.models import families
from labelscape.ml_backend.store.embeddings import check_embeddings
from torch import nn

URI = "@labelscape/data-explorer/compute_embeddings"


def form(dataset, **params):
    ctx = ExecutionContext(request_params={"dataset_name": dataset.name, "params": params}, operator_uri=URI)
    return OperatorRegistry().get_operator(URI).resolve_input(ctx).to_json()["type"]["properties"]


def run(dataset, **params):
    result = foo.execute_operator(URI, ctx={"dataset": dataset, "params": params})
    dataset.reload()
    return result.result["message"]


@pytest.fixture
def dataset(make_digits_dataset):
    return make_digits_dataset(30)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6), nn.Linear(6, 2))
    path = tmp_path_factory.mktemp("network") / "net.onnx"
    torch.onnx.export(net.eval(), (torch.zeros(1, 3, 20, 20),), path, dynamo=False)
    return str(path)


def test_the_form_offers_every_family_with_its_sentence_and_its_options(dataset):
    choices = {choice["value"]: choice["description"] for choice in form(dataset)["way"]["view"]["choices"]}
    for family in families("image"):
        if not family.in_menus:
            continue
        assert choices[family.name] == family.sentence
        offered = form(dataset, way=family.name, weights="/weights.pt")
        assert ("model" in offered) == bool(family.argument)
        for option in family.options:
            from_file = any(known.name == "weights" for known in family.options) or family.inspect is not None
            if from_file or option.name not in ("size", "resize", "mean", "std", "channels", "flip"):
                assert option.sentence in offered[option.name]["view"]["description"]


def test_the_form_asks_where_to_store_vectors_only_where_there_is_a_choice(dataset, monkeypatch):
    known = fob.brain_config.similarity_backends
    bare = {name: {"config_cls": settings["config_cls"]} for name, settings in known.items()}
    monkeypatch.setattr(fob.brain_config, "similarity_backends", bare)
    assert "backend" not in form(dataset)
    placed = {**bare, "qdrant": {**bare["qdrant"], "url": "http://host:6333"}}
    monkeypatch.setattr(fob.brain_config, "similarity_backends", placed)
    assert form(dataset)["backend"]["type"]["values"] == ["lancedb", "qdrant"]


def test_input_settings_are_asked_for_as_soon_as_a_file_of_weights_is_named(dataset, tmp_path):
    assert "mean" not in form(dataset, way="torchvision")
    missing = form(dataset, way="torchvision", weights="/nowhere.pt", mean="a, b")
    assert missing["weights"]["error_message"] == "There is no file '/nowhere.pt' on the server."
    assert "it must be three numbers" in missing["mean"]["error_message"]


def test_ones_own_network_is_shown_with_its_layers_and_what_has_to_be_said(dataset, network):
    fields = form(dataset, way="own", model=network)
    assert "**ONNX network**" in str(fields["layers"])
    assert "4 x 18 x 18" in str(fields["layers"])
    assert fields["mean"]["required"]
    assert not fields["size"]["required"]  # the file says it
    assert "It predicts 2 classes" in fields["predictions"]["view"]["description"]
    assert (
        "There is no file '/nowhere.onnx'"
        in form(dataset, way="own", model="/nowhere.onnx")["blocked"]["error_message"]
    )


def test_ones_own_network_embeds_and_predicts_from_the_form(dataset, network):
    message = run(
        dataset, way="own", model=network, key="mine", mean="0, 0, 0", std="1, 1, 1", predictions="net", classes="a, b"
    )
    assert "Embedded 30 samples" in message
    assert "in the field 'net'" in message
    assert set(dataset.distinct("net.label")) <= {"a", "b"}
    assert "30 were up to date" in run(dataset, into="mine")


def test_fine_tuning_is_offered_over_a_network_only(dataset, tmp_path):
    run(dataset, key="signal")
    assert "tune" not in form(dataset, way="trained", base="signal")
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "weights.pt")
    run(dataset, key="net", way="torchvision", model="resnet18", weights=str(tmp_path / "weights.pt"), size=32)
    assert "last_block" in str(form(dataset, way="trained", base="net")["tune"])


def test_objects_in_frames_are_chosen_by_the_name_that_their_view_shows(tmp_path):
    path = str(tmp_path / "video.mp4")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 5, (96, 72))
    sample = fo.Sample(filepath=path)
    for number in (1, 2, 3):
        image = np.full((72, 96, 3), 60 * number, np.uint8)
        writer.write(image)
        frame = str(tmp_path / f"{number}.png")
        cv2.imwrite(frame, image)
        box = fo.Detection(label="disc", bounding_box=[0.2, 0.2, 0.5, 0.5])
        sample.frames[number] = fo.Frame(filepath=frame, objects=fo.Detections(detections=[box]))
    writer.release()
    dataset = fo.Dataset()
    dataset.add_sample(sample)
    view = dataset.to_frames().to_patches("objects")
    for name, key in (("objects", "by_view"), ("frames.objects", "by_dataset")):
        params = {"way": "preprocessing", "key": key, "patches": name}
        foo.execute_operator(URI, ctx={"dataset": dataset, "view": view, "params": params})
        assert check_embeddings(dataset, key).field == "frames.objects"
    dataset.delete()
