"""The entries of FiftyOne's operator menu, one file per action."""

from .accept_suggestions import AcceptSuggestions
from .audit_suggestions import AuditSuggestions
from .clear_explorer import ClearExplorer
from .clear_labels import ClearLabels
from .clear_map import ClearMap
from .compute_embeddings import ComputeEmbeddings
from .compute_map import ComputeMap
from .create_function import CreateFunction
from .create_segment import CreateSegment
from .create_segment_from_confusion import CreateSegmentFromConfusion
from .delete_embeddings import DeleteEmbeddings
from .delete_function import DeleteFunction
from .delete_items import DeleteItems
from .delete_segment import DeleteSegment
from .discard_changes import DiscardChanges
from .duplicate_function import DuplicateFunction
from .edit_function import EditFunction
from .edit_segment import EditSegment
from .export_segment import ExportSegment
from .find_duplicates import FindDuplicates
from .label_neighbors import LabelNeighbors
from .label_next import LabelNext
from .make_cards import MakeCards
from .mark_matches import MarkMatches
from .merge_segments import MergeSegments
from .next_batch import NextBatch
from .open_function import OpenFunction
from .open_segment import OpenSegment
from .pull_from_label_studio import PullFromLabelStudio
from .rank_mislabels import RankMislabels
from .rank_outliers import RankOutliers
from .relabel import Relabel
from .remake_segment import RemakeSegment
from .remove_from_segment import RemoveFromSegment
from .rename_run import RenameRun
from .restore_function import RestoreFunction
from .run_functions import RunFunctions
from .save_changes import SaveChanges
from .search_similar import SearchSimilar
from .send_to_label_studio import SendToLabelStudio
from .set_label import SetLabel
from .slice_recordings import SliceRecordings
from .suggest_labels import SuggestLabels
from .undo_save import UndoSave

OPERATORS: list[type] = [
    MakeCards,
    SliceRecordings,
    ComputeEmbeddings,
    ComputeMap,
    ClearMap,
    DeleteEmbeddings,
    RenameRun,
    ClearExplorer,
    SetLabel,
    LabelNeighbors,
    LabelNext,
    SuggestLabels,
    AcceptSuggestions,
    AuditSuggestions,
    DeleteItems,
    SaveChanges,
    DiscardChanges,
    UndoSave,
    ClearLabels,
    RankOutliers,
    RankMislabels,
    FindDuplicates,
    SearchSimilar,
    MarkMatches,
    CreateFunction,
    RunFunctions,
    OpenFunction,
    EditFunction,
    DuplicateFunction,
    DeleteFunction,
    RestoreFunction,
    NextBatch,
    Relabel,
    CreateSegment,
    CreateSegmentFromConfusion,
    OpenSegment,
    EditSegment,
    MergeSegments,
    RemoveFromSegment,
    DeleteSegment,
    ExportSegment,
    RemakeSegment,
    SendToLabelStudio,
    PullFromLabelStudio,
]
