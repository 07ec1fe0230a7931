"""Weights are read from local files without running code, and what does not fit is listed."""

import pytest
import torch
from labelscape.ml_backend.embedding.image.weights import fit_state, read_state
from labelscape.ml_backend.errors import Refusal
from safetensors.torch import save_file


@pytest.fixture
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)).eval()


@pytest.mark.parametrize("kind", ["pt", "safetensors", "wrapped", "parallel", "half"])
def test_a_state_dict_is_read_however_it_was_saved(network, tmp_path, kind):
    state, path = network.state_dict(), tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pt")
    if kind == "safetensors":
        save_file(state, str(path))
    elif kind == "wrapped":
        torch.save({"epoch": 3, "state_dict": {"state_dict": state}}, path)
    elif kind == "parallel":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    else:
        torch.save({n: t.half() if kind == "half" and t.is_floating_point() else t for n, t in state.items()}, path)

    read = read_state(str(path))

    assert read.keys() == state.keys()
    for name, tensor in read.items():
        assert tensor.dtype == state[name].dtype
        torch.testing.assert_close(tensor, state[name], atol=1e-3, rtol=1e-3)


def test_a_file_that_would_run_code_is_refused_and_its_code_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"weights": Trap()}, tmp_path / "a.pt")

    with pytest.raises(Refusal, match="cannot be read as plain weights"):
        read_state(str(tmp_path / "a.pt"))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [{}, [1, 2], {"a": 1}, torch.zeros(2)])
def test_a_file_without_names_and_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")

    with pytest.raises(Refusal, match=r"does not contain a state dict.*save model\.state_dict\(\)"):
        read_state(str(tmp_path / "a.pt"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"There is no weights file '.*none\.pt'"):
        read_state(str(tmp_path / "none.pt"))


def test_weights_that_fit_are_copied_also_without_the_counters_of_old_files(network):
    state = {name: tensor + 1 for name, tensor in network.state_dict().items() if "num_batches" not in name}

    fit_state(network, state, "a.pt")

    for name, tensor in state.items():
        torch.testing.assert_close(network.state_dict()[name], tensor)


def test_everything_that_does_not_fit_is_listed_and_nothing_copied(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = {"0.weight": torch.zeros(4, 5), "0.bias": torch.ones(4), "extra": torch.zeros(1)}

    with pytest.raises(Refusal) as refused:
        fit_state(network, state, "a.pt")

    words = str(refused.value)
    assert "6 missing (1.weight, 1.bias, 1.running_mean, 1.running_var, 2.weight, …)" in words
    assert "1 unknown (extra)" in words
    assert "1 of another shape (0.weight (4, 5) instead of (4, 3))" in words
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_a_classifier_of_another_size_may_be_missing_or_differ(network):
    state = {name: tensor + 1 for name, tensor in network.state_dict().items() if name != "2.bias"}
    state["2.weight"] = torch.zeros(10, 4)
    classifier = network.state_dict()["2.weight"].clone()

    fit_state(network, state, "a.pt", free=["2"])

    torch.testing.assert_close(network.state_dict()["0.bias"], state["0.bias"])
    torch.testing.assert_close(network.state_dict()["2.weight"], classifier)
