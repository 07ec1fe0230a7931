"""Tests mirror the tree: each module with logic has a test file of its name, or this file says which one tests it.

A module `store/saves.py` is tested by `test_saves.py` or by files for some of its behavior, such as
`test_saves_killed.py`, in the folder of the same name below `tests/`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
FOLDERS = ("ml_backend", "plugin", "cli")  # an operator is a form and a message, which the tests of the menu open
FEWEST = 3  # branches, loops, and comprehensions; what has fewer is data, registration, or a call passed on
DECISIONS = (ast.If, ast.For, ast.While, ast.IfExp, ast.BoolOp, ast.comprehension, ast.Try, ast.Match)

IN_LABEL_STUDIO = "plugin/label_studio/test_app.py"  # Django and Label Studio are in an environment of their own
BY_EVERY_BACKEND = "ml_backend/store/test_vector_table.py"  # one contract, tested on each vector database
BY_ITS_OWN_NETWORKS = "ml_backend/embedding/image/own/test_own_models.py"  # one network in every file format
BY_ITS_LIBRARY = "ml_backend/embedding/image/test_hub_models.py"  # vectors equal those of the original library
IN_GROUPS = "ml_backend/store/test_grouped_parts.py"  # every way to group edits against one model of what they mean
OVER_THE_APPS_ROUTES = "plugin/fiftyone/explorer/test_viewing.py"  # the panel as its front end sees it

TESTED_BY = {
    "cli/app_server.py": "cli/test_demo.py",
    "cli/importing.py": "ml_backend/actions/test_import_media.py",
    "cli/scenes.py": "ml_backend/actions/test_confusion_segments.py",
    "ml_backend/actions/appearance.py": "ml_backend/actions/test_rank.py",
    "ml_backend/actions/apply_labels.py": "ml_backend/actions/test_queue_clearings.py",
    "ml_backend/actions/function_scoring.py": "ml_backend/actions/test_functions_incremental.py",
    "ml_backend/actions/models.py": "ml_backend/embedding/test_registry.py",
    "ml_backend/actions/previews.py": "ml_backend/actions/test_import_media.py",
    "ml_backend/actions/recording_segments.py": "ml_backend/actions/test_import_media.py",
    "ml_backend/actions/search_results.py": "ml_backend/actions/test_search.py",
    "ml_backend/actions/sent_media.py": "ml_backend/actions/test_send_to_label_studio.py",
    "ml_backend/analysis/neighbor_cells.py": "ml_backend/analysis/test_neighbor_graph.py",
    "ml_backend/api/defaults.py": "test_api.py",
    "ml_backend/api/finding.py": "test_api.py",
    "ml_backend/api/making.py": "test_api.py",
    "ml_backend/embedding/builtin.py": "ml_backend/embedding/test_registry.py",
    "ml_backend/embedding/builtin_media.py": "ml_backend/embedding/test_registry.py",
    "ml_backend/embedding/image/device.py": "ml_backend/embedding/image/test_accelerators.py",
    "ml_backend/embedding/image/open_clip_model.py": BY_ITS_LIBRARY,
    "ml_backend/embedding/image/own/model.py": BY_ITS_OWN_NETWORKS,
    "ml_backend/embedding/image/own/network.py": BY_ITS_OWN_NETWORKS,
    "ml_backend/embedding/image/own/onnx_network.py": BY_ITS_OWN_NETWORKS,
    "ml_backend/embedding/image/own/opening.py": BY_ITS_OWN_NETWORKS,
    "ml_backend/embedding/image/own/torch_network.py": BY_ITS_OWN_NETWORKS,
    "ml_backend/embedding/image/preprocessing.py": "ml_backend/embedding/image/test_models.py",
    "ml_backend/embedding/image/timm_model.py": BY_ITS_LIBRARY,
    "ml_backend/embedding/image/torch_forward.py": "ml_backend/embedding/image/test_models.py",
    "ml_backend/embedding/image/torchvision_model.py": "ml_backend/embedding/image/test_models.py",
    "ml_backend/embedding/image/transformers_model.py": BY_ITS_LIBRARY,
    "ml_backend/label_studio/differences.py": "ml_backend/label_studio/test_flow.py",
    "ml_backend/label_studio/mirror_dataset.py": "ml_backend/label_studio/test_mirror.py",
    "ml_backend/label_studio/mirror_media.py": "ml_backend/label_studio/test_mirror.py",
    "ml_backend/running.py": "ml_backend/embedding/test_ray_model.py",
    "ml_backend/server/auditing_actions.py": "ml_backend/server/test_actions_end_to_end.py",
    "ml_backend/server/finding_actions.py": "ml_backend/server/test_actions_end_to_end.py",
    "ml_backend/server/project_mirror.py": "ml_backend/server/test_sync.py",
    "ml_backend/server/project_regions.py": "ml_backend/server/test_regions_end_to_end.py",
    "ml_backend/server/selected_tasks.py": "ml_backend/server/test_actions_end_to_end.py",
    "ml_backend/server/undoing_actions.py": "ml_backend/server/test_actions_end_to_end.py",
    "ml_backend/store/pending_appended.py": "ml_backend/store/test_pending_changes.py",
    "ml_backend/store/pending_columns.py": "ml_backend/store/test_pending_changes.py",
    "ml_backend/store/audits.py": "ml_backend/actions/test_audit.py",
    "ml_backend/store/backend_table.py": BY_EVERY_BACKEND,
    "ml_backend/store/backends.py": BY_EVERY_BACKEND,
    "ml_backend/store/campaigns.py": "ml_backend/actions/test_campaigns.py",
    "ml_backend/store/carried_media.py": "ml_backend/actions/test_import_media.py",
    "ml_backend/store/chosen_suggestions.py": "ml_backend/server/test_actions_end_to_end.py",
    "ml_backend/store/conflicts.py": "ml_backend/actions/test_queue.py",
    "ml_backend/store/deleted_segments.py": "ml_backend/actions/test_segments.py",
    "ml_backend/store/function_scores.py": "ml_backend/actions/test_functions_incremental.py",
    "ml_backend/store/early_saves.py": "ml_backend/actions/test_save.py",
    "ml_backend/store/embedding_errors.py": "ml_backend/actions/test_embed_update.py",
    "ml_backend/store/embeddings.py": BY_EVERY_BACKEND,
    "ml_backend/store/label_edits.py": "ml_backend/store/test_saves.py",
    "ml_backend/store/lance_table.py": BY_EVERY_BACKEND,
    "ml_backend/store/list_fills.py": IN_GROUPS,
    "ml_backend/store/milvus_table.py": BY_EVERY_BACKEND,
    "ml_backend/store/object_fills.py": IN_GROUPS,
    "ml_backend/store/object_label_edits.py": IN_GROUPS,
    "ml_backend/store/pgvector_table.py": BY_EVERY_BACKEND,
    "ml_backend/store/pictures.py": "test_api.py",
    "ml_backend/store/proposals.py": "ml_backend/actions/test_accept.py",
    "ml_backend/store/qdrant_table.py": BY_EVERY_BACKEND,
    "ml_backend/store/save_records.py": "ml_backend/actions/test_save_interrupted.py",
    "ml_backend/store/saved_views.py": "ml_backend/actions/test_segments.py",
    "ml_backend/store/segments.py": "ml_backend/actions/test_segments.py",
    "ml_backend/store/multi_label_edits.py": IN_GROUPS,
    "ml_backend/store/single_label_edits.py": "ml_backend/store/test_fills.py",
    "ml_backend/store/stored_vectors.py": "ml_backend/actions/test_map.py",
    "ml_backend/store/suggestion_updates.py": "ml_backend/store/test_suggestions.py",
    "plugin/fiftyone/component_panel.py": "plugin/fiftyone/explorer/test_contract.py",
    "plugin/fiftyone/explorer/board.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/explorer/calls.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/explorer/embeddings_form.py": "plugin/fiftyone/explorer/test_long_runs.py",
    "plugin/fiftyone/explorer/label_cache.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/explorer/listings.py": "plugin/fiftyone/explorer/test_reviewing.py",
    "plugin/fiftyone/explorer/map_cache.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/explorer/panel_state.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/explorer/searching.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/explorer/session_cache.py": "plugin/fiftyone/explorer/test_likely_classes.py",
    "plugin/fiftyone/explorer/stamps.py": OVER_THE_APPS_ROUTES,
    "plugin/fiftyone/metrics/answers.py": "plugin/fiftyone/metrics/test_panel.py",
    "plugin/fiftyone/metrics/comparisons.py": "plugin/fiftyone/metrics/test_panel.py",
    "plugin/fiftyone/metrics/downloads.py": "plugin/fiftyone/metrics/test_panel.py",
    "plugin/label_studio/access.py": IN_LABEL_STUDIO,
    "plugin/label_studio/apps.py": IN_LABEL_STUDIO,
    "plugin/label_studio/backend.py": IN_LABEL_STUDIO,
    "plugin/label_studio/bulk.py": IN_LABEL_STUDIO,
    "plugin/label_studio/catalog.py": IN_LABEL_STUDIO,
    "plugin/label_studio/menu.py": IN_LABEL_STUDIO,
    "plugin/label_studio/page.py": "plugin/label_studio/test_app_in_the_browser.py",
    "plugin/label_studio/selection.py": IN_LABEL_STUDIO,
    "plugin/label_studio/views.py": IN_LABEL_STUDIO,
}


def modules_with_logic() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            if (
                "node_modules" not in path.parts
                and sum(isinstance(node, DECISIONS) for node in ast.walk(tree)) >= FEWEST
            ):
                yield path.relative_to(ROOT)


def has_own_tests(module: Path) -> bool:
    name = module.parent.name if module.stem == "__init__" else module.stem
    folder = TESTS / module.parent
    return any(folder.glob(f"test_{name}.py")) or any(folder.glob(f"test_{name}_*.py"))


def test_every_module_with_logic_has_tests_of_its_name_or_a_reason() -> None:
    modules = list(modules_with_logic())
    assert len(modules) > 250
    assert [str(module) for module in modules if not has_own_tests(module) and str(module) not in TESTED_BY] == []


def test_no_reason_outlives_its_module_or_is_left_when_that_gets_tests() -> None:
    assert [name for name in TESTED_BY if not (ROOT / name).is_file() or has_own_tests(Path(name))] == []


def test_every_file_that_tests_another_module_exists() -> None:
    assert [name for name in TESTED_BY.values() if not (TESTS / name).is_file()] == []
