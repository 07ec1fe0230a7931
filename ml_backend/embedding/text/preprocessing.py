"""The model `text-preprocessing`: TF-IDF of character sequences and truncated SVD; any language, no download."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal
from ...progress import Progress
from ..base import Embedded, Failure, Media
from ..fitted import draw, load_arrays, save_arrays
from ..pipeline import embed_in_batches, prepare_in_threads
from .reading import read_texts

Floats = NDArray[np.float32]

_DIM, _TERMS = 256, 20_000
_LENGTHS = (2, 4)  # characters of a sequence
_MOST_TEXTS = 50_000  # to fit on, chosen at random
_MOST_CHARACTERS = 200_000  # of one text; the rest of a longer one is not read
_NOTHING_KNOWN = "it has no sequence of characters in common with the texts that the model was fitted on"


@dataclass(frozen=True)
class _Space:
    """What was learned: the ``terms`` (t,), their inverse document frequencies (t,), and the ``axes`` (d, t)."""

    terms: NDArray[np.str_]
    weights: Floats
    axes: Floats
    texts: int


class TextPreprocessing:
    """Latent semantic analysis (Deerwester et al. 1990) of sequences of two to four characters inside words.

    Characters rather than words: this needs no tokenizer, works for languages with inflection or without spaces, and
        tolerates typos. It is fitted on the texts of the dataset, without labels.

    Args:
        fitted: the file of an earlier fit.

    Raises:
        Refusal: that file cannot be read.
    """

    name = "text-preprocessing"

    def __init__(self, *, fitted: str | None = None) -> None:
        self._space: _Space | None = None
        if fitted is not None:
            read: dict[str, Any] = load_arrays(fitted, ("terms", "weights", "axes", "texts"))
            self._space = _Space(read["terms"], read["weights"], read["axes"], int(read["texts"]))

    @property
    def dim(self) -> int:
        """Length of a vector: 256, or fewer if the texts are fewer."""
        return _DIM if self._space is None else len(self._space.axes)

    @property
    def fitted_on(self) -> int:
        """Number of texts it was fitted on; 0 before."""
        return 0 if self._space is None else self._space.texts

    def fit(self, media: Sequence[str | Media], *, progress: Progress | None = None) -> None:
        """Learn the vocabulary and the axes from texts; at most 50,000 of them, chosen at random.

        Raises:
            Refusal: none of them can be read.
        """
        prepared = prepare_in_threads(draw(media, _MOST_TEXTS), read_texts, _shortened, 256)
        texts = [text for _, text in prepared if isinstance(text, str)]
        if not texts:
            raise Refusal("None of these texts can be read: there is nothing from which to learn a vocabulary.")
        if progress is not None:
            progress(0.0, f"Learning the vocabulary of {len(texts):,} texts")
        self._space = _fitted(texts)

    def save(self, path: str) -> None:
        """Write the vocabulary and the axes to a file."""
        save_arrays({name: np.asarray(value) for name, value in vars(self._fit()).items()}, path)

    def embed(
        self, media: Sequence[str | Media], *, batch_size: int = 64, progress: Progress | None = None
    ) -> Embedded:
        """Embed texts in their order; see `EmbeddingModel.embed`."""
        self._fit()
        embedded = embed_in_batches(
            media,
            read=read_texts,
            prepare=lambda text: np.array(text, object),
            forward=self._forward,
            dim=self.dim,
            batch_size=batch_size,
            progress=progress,
        )
        return _without_zeros(embedded)

    def embed_text(self, texts: Sequence[str]) -> Floats:
        """Vectors (n, dim) float32 of length 1, comparable with those of the texts.

        Raises:
            Refusal: a text that has nothing in common with the texts it was fitted on.
        """
        vectors = self._forward(np.array(list(texts), object))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not lengths.all():
            raise Refusal(f"The text cannot be searched for: {_NOTHING_KNOWN}.")
        return np.asarray(vectors / lengths, np.float32)

    def _forward(self, batch: NDArray[Any]) -> Floats:
        space = self._fit()
        counts = _counter(space.terms.tolist()).transform([_shortened(str(text)) for text in batch.tolist()])
        return _project(counts, space.weights, space.axes)

    def _fit(self) -> _Space:
        if self._space is None:
            raise Refusal("“text-preprocessing” must be fitted on texts before it can embed any.")
        return self._space


def _shortened(text: str) -> str:
    # NumPy drops null characters at the end of a term, which then would be another one.
    return text[:_MOST_CHARACTERS].replace("\0", " ")


def _counter(terms: list[str] | None = None) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(
        analyzer="char_wb",
        ngram_range=_LENGTHS,
        min_df=1,
        max_features=None if terms else _TERMS,
        vocabulary=terms,
        dtype=np.float32,
    )


def _fitted(texts: list[str]) -> _Space:
    from sklearn.utils.extmath import randomized_svd

    counter = _counter()
    try:
        counts = counter.fit_transform(texts)
    except ValueError as error:  # whitespace alone leaves no sequence
        raise Refusal("These texts contain no characters from which to learn a vocabulary.") from error
    present = np.asarray((counts > 0).sum(axis=0)).ravel()
    useful = present >= (2 if len(texts) > 2 else 1)
    if not useful.any():
        useful[:] = True
    counts, present = counts[:, useful], present[useful]
    weights = (np.log((1 + len(texts)) / (1 + present)) + 1).astype(np.float32)
    weighted = _weighted(counts, weights)
    dim = max(min(_DIM, *weighted.shape), 1)
    _, _, axes = randomized_svd(weighted, dim, n_iter=4, random_state=0)
    terms = np.asarray(counter.get_feature_names_out()[useful], np.str_)
    return _Space(terms, weights, np.asarray(axes, np.float32), len(texts))


def _weighted(counts: Any, weights: Floats) -> Any:
    """TF-IDF with logarithmic counts, rows of length 1, as a sparse table."""
    from sklearn.preprocessing import normalize

    table = counts.copy()
    table.data = (1 + np.log(table.data)) * weights[table.indices]
    return normalize(table, copy=False)


def _project(counts: Any, weights: Floats, axes: Floats) -> Floats:
    return np.asarray(_weighted(counts, weights) @ axes.T, np.float32)


def _without_zeros(embedded: Embedded) -> Embedded:
    """Report texts without a direction instead of storing a vector whose distance to others is undefined."""
    known = np.linalg.norm(embedded.vectors, axis=1) > 0
    if known.all():
        return embedded
    unknown = [Failure(int(index), _NOTHING_KNOWN) for index in embedded.kept[~known]]
    failed = sorted([*embedded.failed, *unknown], key=lambda failure: failure.index)
    return Embedded(np.ascontiguousarray(embedded.vectors[known]), embedded.kept[known], failed)
