"""The families of embedding models that come with Labelscape, all declared here."""

from typing import Any

from .base import EmbeddingModel
from .inspection import Inspection
from .registry import ModelFamily, Option, load, register

WEIGHTS = Option(
    "weights",
    "file",
    "A local .pt, .pth, or .safetensors file instead of the published weights, which come from the cache or the hub",
)
INPUT = (
    Option("size", "integer", "Side in pixels of the network's square input"),
    Option("resize", "integer", "Length in pixels of the shorter side before the center crop"),
    Option("mean", "numbers", "Mean of each channel for values of 0 to 1, in the network's channel order"),
    Option("std", "numbers", "Standard deviation of each channel for values of 0 to 1"),
    Option("channels", "choice", "Order of the color channels", ("rgb", "bgr")),
    Option("flip", "yes_no", "Mirror images horizontally and vertically, which some converted networks expect"),
)


def _preprocessing(_argument: str) -> EmbeddingModel:
    from .image.preprocessing import Preprocessing

    return Preprocessing()


def _torchvision(architecture: str, **options: Any) -> EmbeddingModel:
    from .image.torchvision_model import TorchvisionModel

    return TorchvisionModel(architecture, **options)


def _open_clip(argument: str, **options: Any) -> EmbeddingModel:
    from .image.open_clip_model import OpenClipModel

    architecture, _, tag = argument.partition(":")
    return OpenClipModel(architecture, tag or None, **options)


def _timm(name: str, **options: Any) -> EmbeddingModel:
    from .image.timm_model import TimmModel

    return TimmModel(name, **options)


def _transformers(reference: str, **options: Any) -> EmbeddingModel:
    from .image.transformers_model import TransformersModel

    return TransformersModel(reference, **options)


def _own(reference: str, **options: Any) -> EmbeddingModel:
    from .image.own.model import OwnModel

    return OwnModel(reference, **options)


def _inspect_own(reference: str, size: int | None = None) -> Inspection:
    from .image.own.model import inspect_network

    return inspect_network(reference, size)


def _trained(
    _argument: str, *, base: str, head: str, base_options: dict[str, Any] | None = None, tuned: str | None = None
) -> EmbeddingModel:
    from .trained import TrainedModel, load_head

    model = load(base, **(base_options or {}))
    if tuned is not None:
        from .image.tuning import load_tuned

        load_tuned(model, tuned)
    return TrainedModel(model, load_head(head))


FAMILIES = (
    ModelFamily(
        name="preprocessing",
        title="Preprocessing only",
        argument="",
        modality="image",
        sentence="Intensity, color, and gradients: no network, no download",
        make=_preprocessing,
        per_second=400,
    ),
    ModelFamily(
        name="torchvision",
        title="Pretrained backbone",
        argument="<architecture>",
        modality="image",
        sentence="A torchvision backbone, pretrained on photos",
        make=_torchvision,
        examples=("mobilenet_v3_large", "resnet18", "resnet50", "efficientnet_b0", "convnext_tiny", "vit_b_16"),
        options=(WEIGHTS, *INPUT),
        per_second=60,
    ),
    ModelFamily(
        name="open_clip",
        title="Pretrained on photos with captions",
        argument="<architecture>:<weights>",
        modality="image",
        sentence="An open_clip model, pretrained on photos with captions: also searches by text",
        make=_open_clip,
        examples=("ViT-B-32:laion2b_s34b_b79k", "MobileCLIP-S1:datacompdr", "ViT-B-16-SigLIP2:webli"),
        options=(WEIGHTS, *INPUT),
        text_tower="yes",
        per_second=10,
    ),
    ModelFamily(
        name="timm",
        title="timm backbone",
        argument="<name or folder>",
        modality="image",
        sentence="Any of timm's backbones: EfficientNet, ConvNeXt, ViT, DINOv2, and hundreds more",
        make=_timm,
        examples=("tf_efficientnet_lite0.in1k", "vit_small_patch14_dinov2.lvd142m", "convnext_tiny.in12k_ft_in1k"),
        options=(WEIGHTS, *INPUT),
        extra="models",
    ),
    ModelFamily(
        name="hf",
        title="Hugging Face model",
        argument="<repository or folder>",
        modality="image",
        sentence="A vision model of Hugging Face transformers: DINOv2, DINOv3, SigLIP 2, CLIP, ViT",
        make=_transformers,
        examples=("facebook/dinov2-small", "google/siglip2-base-patch16-224", "openai/clip-vit-base-patch32"),
        options=INPUT,
        text_tower="some",
        extra="models",
    ),
    ModelFamily(
        name="own",
        title="Your own network",
        argument="<file or package.module:factory>",
        modality="image",
        sentence="Your own trained network: ONNX, TorchScript, torch.export (.pt2), or Python code",
        make=_own,
        options=(
            Option("layer", "text", "Layer whose output is the embedding; empty: the input of the last linear layer"),
            Option("classes", "text", "Names of its classes, separated by commas, or a text file with one per line"),
            Option(
                "precision", "choice", "half is faster where the device computes in it, not for ONNX", ("full", "half")
            ),
            *INPUT,
        ),
        extra="models",
        inspect=_inspect_own,
    ),
    ModelFamily(
        name="trained",
        title="Trained on your labels",
        argument="",
        modality="image",
        sentence="Your own: a network head trained on your labels, on top of other embeddings",
        make=_trained,
        options=(
            Option("base", "text", "The embedding model underneath"),
            Option("base_options", "text", "Its options"),
            Option("head", "file", "The file of the trained head"),
            Option("tuned", "file", "The file of the fine-tuned last block, if there is one"),
        ),
        in_menus=False,
    ),
)

for _family in FAMILIES:
    register(_family)
