"""Reports on a view: a notebook shows the first samples below the sentence."""

import fiftyone as fo

from ..report import Report
from ..store.pictures import thumbnails_html


class ViewReport(Report):
    """A report with a view of the samples it is about, best first."""

    view: fo.DatasetView

    def _repr_html_(self) -> str:
        return super()._repr_html_() + thumbnails_html(self.view)
