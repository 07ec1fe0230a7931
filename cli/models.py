"""The commands `labelscape model …`: list embedding models and their options, and inspect a network's file."""

from pathlib import Path
from typing import Annotated

import typer

from ..ml_backend.errors import Refusal
from ..ml_backend.wording import count

app = typer.Typer(help="Embedding models: list them, and inspect the file of your own network.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the families of embedding models, and what each is good for."""
    from ..ml_backend.actions.models import families

    shown = [family for family in families() if family.in_menus]
    width = max(len(family.pattern) for family in shown)
    for family in shown:
        notes = [f"for {family.modality}", _TEXT_TOWER[family.text_tower]]
        if family.extra:
            notes.append(f"pip install 'labelscape[{family.extra}]'")
        if family.per_second:
            notes.append(f"about {family.per_second} per second on two cores")
        typer.echo(f"{family.pattern:{width}}  {family.sentence}")
        typer.echo(f"{'':{width}}  ({'; '.join(note for note in notes if note)})")
    typer.echo("\n“labelscape model options <family>” lists the options of one, such as: labelscape model options own")


@app.command("options")
def list_options(
    family: Annotated[str, typer.Argument(help="A family, such as torchvision, or a model's full name.")],
) -> None:
    """List the options of a family of embedding models."""
    from ..ml_backend.actions.models import families

    name = family.partition("/")[0]
    chosen = next((known for known in families() if known.name == name), None)
    if chosen is None:
        raise Refusal(f"'{name}' is not a family; there are: {', '.join(known.name for known in families())}.")
    typer.echo(f"{chosen.pattern}: {chosen.sentence}")
    if chosen.examples:
        typer.echo(f"Examples: {', '.join(chosen.model_name(example) for example in chosen.examples)}")
    width = max((len(option.name) for option in chosen.options), default=0)
    for option in chosen.options:
        typer.echo(f"  {option.name:{width}}  {option.sentence} ({option.allowed()})")
    if not chosen.options:
        typer.echo("  It has no options.")


@app.command("inspect")
def inspect(
    file: Annotated[str, typer.Argument(help="An .onnx, TorchScript or .pt2 file, or package.module:factory.")],
    size: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Side of the images in pixels, if the file does not specify it.")
    ] = None,
) -> None:
    """Show your own network's layers with their sizes, where it is cut, and what its file says about its input."""
    from ..ml_backend.embedding.image.own.model import inspect_network

    inspection = inspect_network(file, size)
    typer.echo(f"{inspection.kind} network, {count(len(inspection.layers), 'layer')}")
    width = max((len(layer.name) for layer in inspection.layers), default=0)
    for layer in inspection.layers:
        mark = "  ← the embedding" if layer.name == inspection.cut else ""
        typer.echo(f"  {layer.name:{width}}  {' x '.join(map(str, layer.size)):14}  {layer.kind}{mark}")
    if inspection.cut and all(layer.name != inspection.cut for layer in inspection.layers):
        typer.echo(f"The embedding is the {inspection.cut.removeprefix('the ')}.")
    if inspection.cut is None:
        typer.echo("It has no linear layer: its output is the embedding.")
    classes = inspection.declared.classes
    if inspection.n_classes:
        named = f": {', '.join(classes[:10])}{', …' if len(classes) > 10 else ''}" if classes else ", without names"
        typer.echo(f"It predicts {count(inspection.n_classes, 'class')}{named}.")
    for what in ("size", "mean", "std", "channels"):
        declared = getattr(inspection.declared, what)
        typer.echo(f"{what}: {declared if declared is not None else 'not in the file'}")


@app.command("quantize")
def quantize_network(
    file: Annotated[str, typer.Argument(help="An .onnx file.")],
    target: Annotated[str, typer.Argument(help="Where to write its 8-bit copy, also an .onnx file.")],
    images: Annotated[Path, typer.Option(help="A folder of images like those that will be embedded.")],
    mean: Annotated[str | None, typer.Option(help="As in the form, if the file does not specify it.")] = None,
    std: Annotated[str | None, typer.Option(help="As in the form, if the file does not specify it.")] = None,
    size: Annotated[int | None, typer.Option(help="As in the form, if the file does not specify it.")] = None,
) -> None:
    """Write an 8-bit copy of your ONNX network if it is faster here and its vectors nearly equal (cosine .99)."""
    from ..ml_backend.embedding import find_family
    from ..ml_backend.embedding.image.own.quantization import quantize
    from ..ml_backend.embedding.registry import parse_options

    family, _ = find_family(f"own/{file}")
    options = parse_options(family, {"mean": mean, "std": std, "size": size})
    paths = sorted(str(path) for path in images.rglob("*") if path.suffix.lower() in _IMAGES)
    result = quantize(file, target, paths[:_MOST_IMAGES], options)
    typer.echo(result.sentence(target))
    if not result.kept:
        raise typer.Exit(1)


_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
_MOST_IMAGES = 256
_TEXT_TOWER = {"yes": "also searches by text", "some": "some search by text", "no": ""}
