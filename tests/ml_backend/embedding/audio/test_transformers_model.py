"""Audio encoders of transformers give their own vectors."""

import soundfile
from labelscape.ml_backend.embedding import load

from .conftest import RATE, cosine


def test_an_encoder_of_transformers_from_a_local_folder_gives_its_own_vectors(tmp_path, sounds):
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16),
        conv_stride=(10, 8), conv_kernel=(20, 16), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    network = transformers.Wav2Vec2Model(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE)
    network.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    path = sounds[0][4]
    samples, _ = soundfile.read(path, dtype="float32")
    with torch.inference_mode():
        values = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_values
        theirs = network(values).last_hidden_state.mean(1)[0].numpy()
    ours = load(f"audio-hf/{tmp_path}").embed([path]).vectors[0]
    assert cosine(ours, theirs) > 0.999
