"""Menu entry “Delete embeddings”: delete embeddings with their vectors, after asking."""

from typing import Any

from fiftyone.operators import types
from fiftyone.operators.types import RiskLevel

from ..ml_backend.actions.clear import consequence, delete_embeddings
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.embeddings import embeddings_size
from ..ml_backend.wording import count
from .asking import ask_embeddings, chosen_embeddings
from .running import LabelscapeOperator, Outcome


class DeleteEmbeddings(LabelscapeOperator):
    """Delete embeddings."""

    operator_name = "delete_embeddings"
    label = "Labelscape: delete embeddings"
    description = "Delete embeddings with their vectors; maps, labels, and samples stay"
    icon = "delete_forever"
    risk = RiskLevel.HIGH
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask which embeddings to delete, say what is deleted and what stays, and ask for confirmation."""
        key = ask_embeddings(ctx, inputs)
        number, _ = embeddings_size(ctx.dataset, key)
        what = f"The vectors of '{key}', which cannot be read now," if number is None else count(number, "vector")
        text = f"{what} will be deleted; this cannot be undone. {consequence(ctx.dataset, key)}"
        inputs.view("consequence", types.Warning(label=text))
        inputs.bool("sure", default=False, label="Yes, delete them", required=True)

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Delete them."""
        if not ctx.params.get("sure"):
            raise Refusal("Not confirmed: select “Yes, delete them”.")
        key = chosen_embeddings(ctx)
        number = delete_embeddings(ctx.dataset, key)
        vectors = ", whose vectors could not be read" if number is None else f" with {count(number, 'vector')}"
        return Outcome(f"Deleted the embeddings '{key}'{vectors}.", reload_dataset=True)
