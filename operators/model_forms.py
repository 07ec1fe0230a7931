"""Parts of the form of “Compute embeddings” that ask for a model and its options, as the registry declares them."""

import os
from functools import lru_cache
from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.embed import FITTED_OPTION
from ..ml_backend.actions.models import ModelFamily, families, find_family
from ..ml_backend.embedding.inspection import Inspection
from ..ml_backend.embedding.registry import Modality, Option, parse_options
from ..ml_backend.errors import Refusal
from ..ml_backend.wording import count, listing

_INPUT_SETTINGS = ("size", "resize", "mean", "std", "channels", "flip")
_SHOWN_LAYERS = 40
_READ_PER_SECOND = 400  # photos that two cores read and shrink (benchmarks/embedding.py)


def menu_families(modality: Modality = "image") -> dict[str, ModelFamily]:
    """The families that the form offers for a kind of medium, by name."""
    return {family.name: family for family in families(modality) if family.in_menus}


def ask_model(ctx: Any, inputs: types.Object, family: ModelFamily) -> Inspection | None:
    """Ask which model of a family, and for its options; return what its file contains, if it is one's own network."""
    if family.argument:
        choices = types.AutocompleteView(allow_user_input=True)
        for example in family.examples:
            choices.add_choice(example, label=example)
        inputs.str(
            "model",
            default=family.examples[0] if family.examples else None,
            required=True,
            label="Model",
            description=f"{family.argument.strip('<>').capitalize()}; choose one of these, or type another",
            view=choices,
        )
    inspection = _show_inspection(ctx, inputs, family)
    from_file = bool(ctx.params.get("weights")) or family.inspect is not None
    for option in family.options:
        if option.name == FITTED_OPTION:
            continue  # set when the embeddings are computed
        if from_file or option.name not in _INPUT_SETTINGS:
            _ask_option(ctx, inputs, option, inspection)
    if inspection is not None and inspection.n_classes:
        inputs.str(
            "predictions",
            label="Field for its predictions",
            description=f"It predicts {count(inspection.n_classes, 'class')}: name a new field for them, with "
            "confidence and logits; leave empty to discard them",
        )
    return inspection


def chosen_model(params: dict[str, Any], family: ModelFamily) -> str:
    """The full name of the chosen model, else of the family's default."""
    argument = params.get("model") or (family.examples[0] if family.examples else "")
    if family.argument and not argument:
        raise Refusal(f"Name the model: {family.pattern}.")
    return family.model_name(argument) if family.argument else family.name


def speed_of(family: ModelFamily, model: str | None, inspection: Inspection | None) -> float | None:
    """Photos per second on a machine like this one; None if not known."""
    if inspection is not None and inspection.per_second is not None:
        return 1 / (1 / inspection.per_second + 1 / _READ_PER_SECOND)
    return family.speed(model or (family.examples[0] if family.examples else ""))


def chosen_options(params: dict[str, Any], model: str) -> dict[str, Any]:
    """The chosen options of the model's family.

    Raises:
        Refusal: an option of the wrong kind.
    """
    family, _ = find_family(model)
    named = {option.name: params.get(option.name) for option in family.options}
    return parse_options(family, named)


def _ask_option(ctx: Any, inputs: types.Object, option: Option, inspection: Inspection | None) -> None:
    required = inspection is not None and option.name in inspection.undeclared
    if option.kind == "yes_no":
        inputs.bool(option.name, default=False, label=_title(option), description=option.sentence)
        return
    if option.kind == "choice":
        inputs.enum(option.name, list(option.choices), label=_title(option), description=option.sentence)
        return
    ask = {"integer": inputs.int, "number": inputs.float}.get(option.kind, inputs.str)
    description = f"{option.sentence} ({option.allowed()})" if option.kind == "numbers" else option.sentence
    field = ask(option.name, required=required, label=_title(option), description=description)
    value = ctx.params.get(option.name)
    if value in (None, ""):
        return
    try:
        parsed = option.parse(value)
        if option.kind == "file" and not os.path.isfile(parsed):
            raise Refusal(f"There is no file '{value}' on the server.")
    except Refusal as refusal:
        field.invalid = True
        field.error_message = str(refusal)


def _show_inspection(ctx: Any, inputs: types.Object, family: ModelFamily) -> Inspection | None:
    """Show the layers of a network's file with their sizes, or why it cannot be loaded."""
    reference = ctx.params.get("model")
    if family.inspect is None or not reference:
        return None
    inspection = inspect_network(family, str(reference), ctx.params.get("size"))
    rows = [
        f"| {layer.name} | {' x '.join(map(str, layer.size))} | {layer.kind} |"
        for layer in inspection.layers[-_SHOWN_LAYERS:]
    ]
    left_out = len(inspection.layers) - len(rows)
    text = (
        f"**{inspection.kind} network**, {count(len(inspection.layers), 'layer')}. The embedding is "
        f"{inspection.cut or 'its output'}. Input settings that the file declares: "
        f"{listing(inspection.declared_settings) or 'none'}.\n\n"
    )
    if rows:
        text += "| layer | size for one image | kind |\n|---|---|---|\n" + "\n".join(rows)
    if left_out:
        text += f"\n\n(the last {len(rows)}; “labelscape model inspect” lists all)"
    inputs.md(text, name="layers")
    return inspection


def inspect_network(family: ModelFamily, reference: str, size: int | None) -> Inspection:
    """What a network's file contains; kept until the file changes.

    Raises:
        Refusal: it cannot be loaded.
    """
    return _inspected(family.name, reference, size, _stamp(reference))


@lru_cache(maxsize=4)
def _inspected(family: str, reference: str, size: int | None, _stamp: tuple[float, int]) -> Inspection:
    inspect = menu_families()[family].inspect
    if inspect is None:
        raise Refusal(f"The models of “{family}” are not files that can be inspected.")
    return inspect(reference, size)


def _stamp(path: str) -> tuple[float, int]:
    """Modification time and size: the form is rebuilt at every keystroke, but reloads a network only if it changed."""
    try:
        status = os.stat(os.path.expanduser(path))
    except OSError:
        return 0.0, 0
    return status.st_mtime, status.st_size


def _title(option: Option) -> str:
    return option.name.replace("_", " ").capitalize()
