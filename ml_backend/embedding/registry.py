"""The registry of embedding models: each family once, with its texts for menus, forms, the command line, and docs."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import Refusal
from .base import EmbeddingModel
from .inspection import Inspection

ENTRY_POINTS = "labelscape.models"  # the group of entry points under which other packages add families

Modality = Literal["image", "audio", "series", "text", "video"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
OptionKind = Literal["text", "file", "integer", "number", "numbers", "choice", "yes_no"]
TextTower = Literal["yes", "no", "some"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Option:
    """An option of the models of a family, as offered by forms and the command line.

    Attributes:
        name: the keyword argument of the family's ``make``.
        kind: ``text``, ``file`` (a path on the server), ``integer``, ``number``, ``numbers`` (three, one for each
            channel), ``choice`` (one of ``choices``) or ``yes_no``.
        sentence: what it does, for forms and docs.
    """

    name: str
    kind: OptionKind
    sentence: str
    choices: tuple[str, ...] = ()

    def parse(self, value: Any) -> Any:
        """Convert a value, or a text such as ``0.5, 0.5, 0.5`` or ``yes``, to the value that ``make`` takes.

        Raises:
            Refusal: the value is not of this option's kind.
        """
        try:
            return _PARSERS[self.kind](value, self.choices)
        except (TypeError, ValueError, KeyError) as error:
            raise Refusal(f"The option “{self.name}” is '{value}'; it must be {self.allowed()}.") from error

    def allowed(self) -> str:
        """The allowed values, in words."""
        return {
            "text": "a text",
            "file": "the path of a file on the server",
            "integer": "a whole number",
            "number": "a number",
            "numbers": "three numbers, such as 0.5, 0.5, 0.5",
            "choice": f"one of: {', '.join(self.choices)}",
            "yes_no": "yes or no",
        }[self.kind]


@dataclass(frozen=True)
class ModelFamily:
    """A family of embedding models that are loaded in the same way.

    Attributes:
        name: the first part of a model's name, such as ``torchvision``.
        argument: the part after the slash, such as ``<architecture>``; "" for a family with a single model.
        modality: the kind of media it embeds.
        title: its name in menus and docs, such as “Pretrained backbone”; its ``name`` if it declares none.
        sentence: its use, in one sentence for menus and docs.
        make: loads a model: ``make(argument, **options)``; raises `Refusal` if it cannot.
        examples: arguments that menus offer, the default first; any other may be typed.
        options: what ``make`` takes besides the argument.
        text_tower: whether its models embed texts into the space of their images: ``yes``, ``no``, or ``some`` do.
        per_second: media per second of the default model on two cores (benchmarks/embedding.py); None if unmeasured.
        extra: the extra with its optional dependencies, as in ``pip install labelscape[models]``; "" for none.
        inspect: inspects the file that an argument names, for forms and the command line; None if not supported.
        in_menus: whether menus offer it; those of `trained` have a form of their own.
    """

    name: str
    argument: str
    modality: Modality
    sentence: str
    make: Callable[..., EmbeddingModel]
    examples: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    text_tower: TextTower = "no"
    per_second: int | None = None
    extra: str = ""
    inspect: Callable[..., Inspection] | None = None
    in_menus: bool = True
    title: str = ""

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name)

    @property
    def pattern(self) -> str:
        """The pattern of its models' names, such as ``torchvision/<architecture>``."""
        return f"{self.name}/{self.argument}" if self.argument else self.name

    def model_name(self, argument: str) -> str:
        """The full name of one of its models."""
        return f"{self.name}/{argument}" if self.argument else self.name

    def speed(self, argument: str) -> int | None:
        """Media per second of one of its models on two cores; None if it was not measured."""
        return self.per_second if argument in ("", *self.examples[:1]) else None

    @property
    def default(self) -> str:
        """The full name of the model that menus select by default; "" if there is none."""
        if not self.argument:
            return self.name
        return self.model_name(self.examples[0]) if self.examples else ""


_registered: dict[str, ModelFamily] = {}


def register(family: ModelFamily) -> None:
    """Add a family, or replace the one of its name."""
    _registered[family.name] = family


def families(modality: Modality | None = None) -> list[ModelFamily]:
    """All families, ours first, then those that installed packages add; only those of one modality if it is given."""
    everything = {**families_of_packages(), **_registered}
    in_order = [*_registered.values(), *(family for name, family in everything.items() if name not in _registered)]
    return [family for family in in_order if modality in (None, family.modality)]


def find_family(model: str) -> tuple[ModelFamily, str]:
    """Split a model's name into its family and argument.

    Raises:
        Refusal: the name belongs to no family; the message lists those that exist.
    """
    name, slash, argument = model.partition("/")
    family = next((family for family in families() if family.name == name), None)
    if family is None or bool(slash and argument) != bool(family.argument):
        listing = "; ".join(f"{known.pattern} ({known.sentence})" for known in families())
        raise Refusal(f"'{model}' is not an embedding model; there are: {listing}")
    return family, argument


def load(model: str, **options: Any) -> EmbeddingModel:
    """Load an embedding model by its name, such as ``torchvision/resnet18``, with the options of its family.

    Raises:
        Refusal: an unknown name or option, weights that do not fit, a package that is not installed, or a hub that
            cannot be reached.
    """
    family, argument = find_family(model)
    return family.make(argument, **parse_options(family, options))


def parse_options(family: ModelFamily, options: Mapping[str, Any]) -> dict[str, Any]:
    """Convert options to the values that ``make`` takes; those that are None or empty are left out.

    Raises:
        Refusal: the family has no such option, or a value of the wrong kind.
    """
    known = {option.name: option for option in family.options}
    unknown = [name for name in options if name not in known]
    if unknown:
        raise Refusal(
            f"'{family.pattern}' has no option “{unknown[0]}”; its options are: {', '.join(known) or 'none'}."
        )
    return {name: known[name].parse(value) for name, value in options.items() if value is not None and value != ""}


def adopt(declared: Any) -> ModelFamily:
    """Convert a family declared by another package to our class.

    FiftyOne loads this package under a different name, so a family made with the installed package is of a different
    class there: only its attributes count.

    Raises:
        AttributeError: an attribute of a family is missing.
    """
    names = [attribute.name for attribute in fields(ModelFamily) if attribute.name != "title"]
    values = {name: getattr(declared, name) for name in names}
    values["title"] = getattr(declared, "title", "")  # newer than the first packages that declared a family
    options = [
        Option(**{attribute.name: getattr(option, attribute.name) for attribute in fields(Option)})
        for option in values["options"]
    ]
    return ModelFamily(**{**values, "options": tuple(options)})


@cache
def families_of_packages() -> dict[str, ModelFamily]:
    """The families that installed packages declare, by name; looked up once."""
    families = {}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            family = adopt(point.load())
        except Exception:  # an error in another package must not make our own models unavailable
            _log.exception("The embedding models of the entry point '%s' could not be loaded", point.name)
        else:
            families[family.name] = family
    return families


def _parse_text(value: Any, _choices: Sequence[str]) -> Any:
    return value


def _parse_file(value: Any, _choices: Sequence[str]) -> str:
    return str(Path(str(value)).expanduser())


def _parse_integer(value: Any, _choices: Sequence[str]) -> int:
    number = float(value)
    if number != math.floor(number):
        raise ValueError
    return int(number)


def _parse_number(value: Any, _choices: Sequence[str]) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _parse_numbers(value: Any, _choices: Sequence[str]) -> tuple[float, ...]:
    parts = value.replace(";", ",").split(",") if isinstance(value, str) else value
    numbers = tuple(float(part) for part in parts)
    if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
        raise ValueError
    return numbers


def _parse_choice(value: Any, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ValueError
    return str(value)


def _parse_yes_no(value: Any, _choices: Sequence[str]) -> bool:
    if isinstance(value, bool):
        return value
    return {"yes": True, "true": True, "no": False, "false": False}[str(value).lower()]


_PARSERS: dict[OptionKind, Callable[[Any, Sequence[str]], Any]] = {
    "text": _parse_text,
    "file": _parse_file,
    "integer": _parse_integer,
    "number": _parse_number,
    "numbers": _parse_numbers,
    "choice": _parse_choice,
    "yes_no": _parse_yes_no,
}
