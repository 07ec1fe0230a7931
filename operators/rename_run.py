"""Menu entry “Rename map or embeddings”: rename one of them, along with the references to it."""

from typing import Any

from fiftyone.operators import types

from ..ml_backend.actions.clear import rename_embeddings, rename_map
from ..ml_backend.errors import Refusal
from ..ml_backend.progress import Progress
from ..ml_backend.store.embeddings import list_embeddings
from ..ml_backend.store.maps import list_maps
from .running import LabelscapeOperator, Outcome


class RenameRun(LabelscapeOperator):
    """Rename a map or embeddings."""

    operator_name = "rename_run"
    label = "Labelscape: rename map or embeddings"
    description = "Rename a map or embeddings; maps and suggestions based on them follow"
    icon = "drive_file_rename_outline"
    delegable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Ask what to rename, and for the new name."""
        keys = [*list_maps(ctx.dataset), *list_embeddings(ctx.dataset)]
        if not keys:
            raise Refusal("This dataset has no maps or embeddings: there is nothing to rename.")
        inputs.enum("key", keys, default=keys[0], required=True, label="Map or embeddings")
        inputs.str("new_key", required=True, label="New name", description="Letters, digits, and _")

    def run(self, ctx: Any, progress: Progress) -> Outcome:
        """Rename it."""
        key, new_key = str(ctx.params["key"]), str(ctx.params["new_key"]).strip()
        rename = rename_embeddings if key in list_embeddings(ctx.dataset) else rename_map
        rename(ctx.dataset, key, new_key)
        return Outcome(f"Renamed '{key}' to '{new_key}'.", reload_dataset=True)
