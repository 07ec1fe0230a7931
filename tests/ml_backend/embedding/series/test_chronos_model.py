"""Chronos encoders give their own tokens."""

import numpy as np
import pytest
from labelscape.ml_backend.embedding import load
from labelscape.ml_backend.embedding.base import Media
from labelscape.ml_backend.embedding.series.reading import read_one


def test_a_chronos_encoder_from_a_local_folder_gives_its_own_tokens_for_each_channel(tmp_path, motions):
    import torch

    chronos = pytest.importorskip("chronos")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, vocab_size=2, is_encoder_decoder=True,
        chronos_config={"context_length": 512, "prediction_length": 8, "input_patch_size": 16,
                        "input_patch_stride": 16, "quantiles": [0.1, 0.5, 0.9], "use_reg_token": True},
        architectures=["ChronosBoltModelForForecasting"], chronos_pipeline_class="ChronosBoltPipeline",
    )  # fmt: skip
    chronos.chronos_bolt.ChronosBoltModelForForecasting(config).save_pretrained(tmp_path)
    model = load(f"chronos/{tmp_path}")
    model.fit(motions[0])
    embedded = model.embed(motions[0][:2])
    assert embedded.vectors.shape == (2, 48)
    values = read_one(Media(motions[0][1])).values
    theirs = chronos.BaseChronosPipeline.from_pretrained(str(tmp_path)).embed(torch.from_numpy(values))[0].mean(1)
    np.testing.assert_allclose(embedded.vectors[1], theirs.numpy().ravel(), atol=1e-4)
