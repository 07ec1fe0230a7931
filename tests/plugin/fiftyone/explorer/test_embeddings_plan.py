"""What the form “Generate explorer” says before anything is embedded, and what comes of its choices."""

from pathlib import Path

import pytest
import torch
from torch import nn


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An ONNX file that says its size, and nothing else of its input."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6), nn.Linear(6, 2))
    path = tmp_path_factory.mktemp("network") / "net.onnx"
    torch.onnx.export(net.eval(), (torch.zeros(1, 3, 20, 20),), path, dynamo=False)
    return str(path)


@pytest.fixture
def panel(make_explorer, make_digits_dataset):
    panel = make_explorer(make_digits_dataset(12))
    panel.do("sync", revision=-1)
    return panel


def plan(panel, way, name=None, **options):
    return panel.do("plan_embeddings", way=way, name=name, options=options, patches_field=None)["plan"]


def test_a_plan_counts_and_estimates_only_where_the_speed_is_known(panel):
    made = plan(panel, "preprocessing")
    assert (made["count"], made["noun"], made["network"], made["trouble"]) == (12, "sample", None, None)
    assert 0 < made["seconds"] < 1
    assert plan(panel, "torchvision", "mobilenet_v3_large")["seconds"] > made["seconds"]
    assert plan(panel, "torchvision", "vit_b_16")["seconds"] is None


def test_ones_own_network_is_shown_with_its_layers_and_what_its_file_does_not_say(panel, network):
    made = plan(panel, "own", network)
    network = made["network"]
    assert network["kind"] == "ONNX"
    assert [4, 18, 18] in [layer["size"] for layer in network["layers"]]
    assert network["classes"] == 2
    assert (network["said"], network["undeclared"]) == (["size"], ["mean", "std"])
    assert made["seconds"] > 0
    wrong = plan(panel, "own", network, size="big")
    assert "it must be a whole number" in wrong["trouble"]
    assert "There is no file" in plan(panel, "own", "/nowhere.onnx")["trouble"]
    assert plan(panel, "own", "")["trouble"] is None


def test_ones_own_network_embeds_and_keeps_its_predictions(panel, network):
    said = {"mean": "0, 0, 0", "std": "1, 1, 1", "classes": "a, b"}
    form = {"way": "own", "name": network, "options": said, "with_map": False}
    refused = panel.ask("compute_embeddings", **form, predictions="ground_truth")["error"]
    assert "already exists" in refused
    ended = panel.finish(panel.do("compute_embeddings", **form, predictions="net")["job"])
    assert ended["status"] == "done", ended
    assert "in the field 'net'" in ended["message"]
    assert [entry["key"] for entry in panel.state["embeddings"]] == [Path(network).stem + "_onnx"]
    assert "net.label" in [field["path"] for field in panel.state["fields"]]
    # The same again without the field goes on with what is there; another field makes others.
    again = panel.finish(panel.do("compute_embeddings", **form)["job"])
    assert "12 were up to date" in again["message"]
    panel.finish(panel.do("compute_embeddings", **form, predictions="other")["job"])
    assert len(panel.state["embeddings"]) == 2


def test_vectors_go_to_the_database_that_the_form_names_and_only_to_one_that_exists(panel):
    assert panel.state["options"]["backends"][0] == "lancedb"
    form = {"way": "preprocessing", "with_map": False}
    assert "'oracle' is not a similarity backend" in panel.ask("compute_embeddings", **form, backend="oracle")["error"]
    for backend, key in (("lancedb", "preprocessing"), ("sklearn", "preprocessing_2"), (None, "preprocessing")):
        ended = panel.finish(panel.do("compute_embeddings", **form, backend=backend)["job"])
        assert ended["status"] == "done", ended
        assert f"“{key}”" in ended["title"]


def test_an_explorer_is_generated_without_a_change_to_any_sample_or_to_the_sidebar(make_explorer, make_digits_dataset):
    dataset = make_digits_dataset(12)

    def seen():
        dataset.reload()
        groups = dataset.app_config.sidebar_groups
        return dataset.values("last_modified_at"), list(dataset.get_field_schema()), groups and len(groups)

    before = seen()
    panel = make_explorer(dataset)
    panel.do("sync", revision=-1)
    ended = panel.finish(panel.do("compute_embeddings", way="preprocessing", with_map=True)["job"])
    assert ended["status"] == "done", ended
    assert len(panel.state["maps"]) == 1
    assert seen() == before
