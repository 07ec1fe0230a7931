"""Load parts of a model from a local folder, the hub's cache, or the hub, and explain what is missing."""

from pathlib import Path
from typing import Any

from ..errors import Refusal


def local_or_hub(reference: str) -> str:
    """The full path of a local folder; a repository's name unchanged."""
    folder = Path(reference).expanduser()
    return str(folder) if folder.is_dir() else reference


def from_pretrained(loader: Any, reference: str, what: str, family: str) -> Any:
    """Call a loader of transformers, without running code from the repository.

    Args:
        what: what is loaded, such as “a tokenizer”.
        family: the family of embedding models, for the hint.

    Raises:
        Refusal: there is none that can be loaded.
    """
    try:
        return loader.from_pretrained(reference, trust_remote_code=False)
    except Exception as error:  # the hub's client, configurations and tokenizers raise their own kinds of errors
        raise not_loadable(reference, what, family, error) from error


def not_loadable(reference: str, what: str, family: str, error: Exception) -> Refusal:
    """The sentence for a model that cannot be loaded from its folder or from the hub."""
    place = "In this folder" if Path(reference).is_dir() else "In the cache and on the hub"
    return Refusal(
        f"{place} there is no {what.removeprefix('a ').removeprefix('an ')} for '{reference}' that can be loaded "
        f"({type(error).__name__}: {(str(error).splitlines() or [''])[0]}). Without internet access, download "
        f"https://huggingface.co/{reference} elsewhere and name the folder: {family}/<folder>."
    )
