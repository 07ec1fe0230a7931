"""The families of embedding models for audio, time series, text, and video that come with Labelscape."""

from typing import Any

from .base import EmbeddingModel
from .builtin import INPUT, WEIGHTS
from .registry import ModelFamily, Option, find_family, load, register

FITTED = Option(
    "fitted", "file", "The file with what it learned from the dataset; created together with the embeddings"
)


def _audio_preprocessing(_argument: str) -> EmbeddingModel:
    from .audio.preprocessing import AudioPreprocessing

    return AudioPreprocessing()


def _audio_onnx(file: str, **options: Any) -> EmbeddingModel:
    from .audio.onnx_model import AudioOnnxModel

    return AudioOnnxModel(file, **options)


def _audio_transformers(reference: str) -> EmbeddingModel:
    from .audio.transformers_model import AudioTransformersModel

    return AudioTransformersModel(reference)


def _series_preprocessing(_argument: str, **options: Any) -> EmbeddingModel:
    from .series.preprocessing import SeriesPreprocessing

    return SeriesPreprocessing(**options)


def _chronos(reference: str, **options: Any) -> EmbeddingModel:
    from .series.chronos_model import ChronosModel

    return ChronosModel(reference, **options)


def _text_preprocessing(_argument: str, **options: Any) -> EmbeddingModel:
    from .text.preprocessing import TextPreprocessing

    return TextPreprocessing(**options)


def _sentence_transformers(reference: str) -> EmbeddingModel:
    from .text.pretrained import sentence_encoder

    return sentence_encoder(reference)


def _model2vec(reference: str) -> EmbeddingModel:
    from .text.pretrained import static_encoder

    return static_encoder(reference)


def _video(name: str, *, frames: int | None = None, **options: Any) -> EmbeddingModel:
    from .video.model import VideoModel

    family, _ = find_family(name)
    taken = {option.name for option in family.options}
    model = load(name, **{key: value for key, value in options.items() if key in taken})
    return VideoModel(name, model) if frames is None else VideoModel(name, model, frames=frames)


MEDIA_FAMILIES = (
    ModelFamily(
        name="audio-preprocessing",
        title="Preprocessing only",
        argument="",
        modality="audio",
        sentence="Mel-frequency cepstral coefficients over time: no network, no download",
        make=_audio_preprocessing,
        extra="audio",
    ),
    ModelFamily(
        name="audio-hf",
        title="Hugging Face audio encoder",
        argument="<repository or folder>",
        modality="audio",
        sentence="An audio encoder of transformers: CLAP (also searches by text), AST, wav2vec 2.0, HuBERT, Whisper",
        make=_audio_transformers,
        examples=("laion/clap-htsat-unfused", "MIT/ast-finetuned-audioset-10-10-0.4593", "facebook/wav2vec2-base"),
        text_tower="some",
        extra="audio",
    ),
    ModelFamily(
        name="audio-onnx",
        title="Audio network in a file",
        argument="<file>",
        modality="audio",
        sentence="An ONNX network that takes waveforms: YAMNet, PANNs, a speech embedding, or your own",
        make=_audio_onnx,
        options=(
            Option("rate", "integer", "Sampling rate in Hz that the network expects; 16000 by default"),
            Option("seconds", "number", "Minimum input length; shorter recordings are centered in silence"),
            Option("output", "text", "Name of the output to take; the first by default"),
            Option("scale", "choice", "Range of the values: -1 to 1, or that of 16-bit integers", ("unit", "int16")),
        ),
        extra="audio",
    ),
    ModelFamily(
        name="series-preprocessing",
        title="Preprocessing only",
        argument="",
        modality="series",
        sentence="Spectrum, statistics, and random convolutions of each channel: no network, no download",
        make=_series_preprocessing,
        options=(FITTED,),
        extra="series",
    ),
    ModelFamily(
        name="chronos",
        title="Chronos time series encoder",
        argument="<repository or folder>",
        modality="series",
        sentence="Chronos-Bolt, pretrained on many time series to forecast them",
        make=_chronos,
        examples=("amazon/chronos-bolt-tiny", "amazon/chronos-bolt-small"),
        options=(FITTED,),
        extra="series",
    ),
    ModelFamily(
        name="text-preprocessing",
        title="Preprocessing only",
        argument="",
        modality="text",
        sentence="TF-IDF of character sequences and truncated SVD: any language, no network, no download",
        make=_text_preprocessing,
        options=(FITTED,),
        text_tower="yes",
    ),
    ModelFamily(
        name="sentence-transformers",
        title="Sentence encoder",
        argument="<name or folder>",
        modality="text",
        sentence="A sentence-transformers model: MiniLM, E5, BGE, or multilingual ones",
        make=_sentence_transformers,
        examples=("all-MiniLM-L6-v2", "paraphrase-multilingual-MiniLM-L12-v2", "BAAI/bge-small-en-v1.5"),
        text_tower="yes",
        extra="text",
    ),
    ModelFamily(
        name="model2vec",
        title="Static word vectors",
        argument="<name or folder>",
        modality="text",
        sentence="A model of model2vec: distilled sentence encoders that embed thousands of texts a second",
        make=_model2vec,
        examples=("minishlab/potion-base-8M", "minishlab/potion-multilingual-128M"),
        text_tower="yes",
        extra="text",
    ),
    ModelFamily(
        name="video",
        title="Image model on frames",
        argument="<image model>",
        modality="video",
        sentence="The mean of an image model's vectors for frames of the video",
        make=_video,
        examples=("preprocessing", "torchvision/mobilenet_v3_large", "open_clip/ViT-B-32:laion2b_s34b_b79k"),
        options=(Option("frames", "integer", "Number of evenly spaced frames to use; 16 by default"), WEIGHTS, *INPUT),
        text_tower="some",
    ),
)

for _family in MEDIA_FAMILIES:
    register(_family)
