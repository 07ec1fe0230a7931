"""Models of timm and transformers from local folders and files: the vectors that these libraries compute themselves."""

import numpy as np
import pytest
import torch
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.errors import Refusal
from labelscape.testing.pictures import write_smooth_images
from PIL import Image

timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_smooth_images(tmp_path_factory.mktemp("images"), [(90, 64 + n) for n in range(6)])


def cosines(ours, theirs):
    return (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)


def embed_with_timm(network, images):
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in images])
    with torch.inference_mode():
        return network.eval().forward_head(network.forward_features(batch), pre_logits=True).numpy()


@pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "tf_efficientnet_lite0"])
def test_a_timm_model_with_local_weights_gives_its_features_before_the_classifier(tmp_path, images, name):
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False, num_classes=5)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = load(f"timm/{name}", weights=str(tmp_path / "weights.pt"))
    vectors = model.embed(images).vectors
    assert vectors.shape == (6, network.num_features)
    assert cosines(vectors, embed_with_timm(network, images)).min() > 0.99


def test_a_folder_of_timm_is_loaded_with_the_input_settings_that_it_names(tmp_path, images):
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", pretrained=False, num_classes=5)
    network.pretrained_cfg.update({"input_size": (3, 96, 96), "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)})
    timm.models.save_for_hf(network, tmp_path / "folder", safe_serialization=True)
    model = load(f"timm/{tmp_path / 'folder'}")
    assert (model.input.size, model.input.mean, model.input.std) == (96, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    assert cosines(model.embed(images).vectors, embed_with_timm(network, images)).min() > 0.99


def save_processor(folder, **settings):
    transformers.ViTImageProcessor(**settings).save_pretrained(folder)


def embed_with_processor(folder, images):
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    return processor(images=[Image.open(path).convert("RGB") for path in images], return_tensors="pt").pixel_values


def save_dinov2(folder):
    config = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    network = transformers.Dinov2Model(config).eval()
    network.save_pretrained(folder)
    transformers.BitImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}, image_mean=[0.4, 0.5, 0.6]
    ).save_pretrained(folder)
    return lambda pixels: network(pixel_values=pixels).last_hidden_state[:, 0]


def save_resnet(folder):
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    network = transformers.ResNetModel(config).eval()
    network.save_pretrained(folder)
    save_processor(folder, size={"height": 48, "width": 48})
    return lambda pixels: network(pixel_values=pixels).last_hidden_state.mean((2, 3))


@pytest.mark.parametrize("save", [save_dinov2, save_resnet])
def test_a_transformers_folder_gives_what_its_own_processor_and_model_give(tmp_path, images, save):
    torch.manual_seed(0)
    compute = save(tmp_path)
    with torch.inference_mode():
        expected = compute(embed_with_processor(tmp_path, images)).numpy()
    model = load(f"hf/{tmp_path}")
    assert cosines(model.embed(images).vectors, expected).min() > 0.99
    with pytest.raises(Refusal, match="has no text tower"):
        model.embed_text(["a cat"])


def save_clip(folder):
    """A CLIP of two small towers with a tokenizer of words."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = ["[PAD]", "[UNK]", "<end>", "a", "cat", "dog"]
    tower = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.CLIPConfig(
        text_config={**tower, "vocab_size": len(words), "eos_token_id": 2, "bos_token_id": 2, "pad_token_id": 0},
        vision_config={**tower, "image_size": 32, "patch_size": 16},
        projection_dim=24,
    )
    network = transformers.CLIPModel(config).eval()
    network.save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", eos_token="<end>", model_max_length=77
    ).save_pretrained(folder)
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder
    )
    return network


def test_a_model_with_a_text_tower_puts_images_and_texts_into_one_space(tmp_path, images):
    torch.manual_seed(0)
    network = save_clip(tmp_path)
    model = load(f"hf/{tmp_path}")
    vectors, texts = model.embed(images).vectors, model.embed_text(["a cat", "a dog"])
    assert vectors.shape == (6, 24)
    assert texts.shape == (2, 24)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([vectors, texts]), axis=1), 1, atol=0.01)
    pixels = embed_with_processor(tmp_path, images)
    tokens = transformers.AutoTokenizer.from_pretrained(tmp_path)(["a cat", "a dog"], return_tensors="pt")
    with torch.inference_mode():
        expected = network(pixel_values=pixels, **tokens)
    assert cosines(vectors, expected.image_embeds.numpy()).min() > 0.99
    assert cosines(texts, expected.text_embeds.numpy()).min() > 0.99


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm/no_such_network", "neither a timm model nor a folder with one"),
        ("timm/resnet_no_such", "names like it are: .*resnet"),
        ("hf/no-such-owner/no-such-model", r"Without internet access, download .*no-such-model elsewhere"),
    ],
)
def test_an_unknown_name_says_what_there_is_or_where_to_get_it(monkeypatch, name, message):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Refusal, match=message):
        load(name)


def test_a_folder_without_a_model_is_refused(tmp_path):
    for family in ("timm", "hf"):
        with pytest.raises(Refusal, match="could not be loaded|that can be loaded"):
            load(f"{family}/{tmp_path}")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(Refusal, match=r"“timm”, which is not installed: pip install 'labelscape\[models\]'"):
        load("timm/resnet18")
