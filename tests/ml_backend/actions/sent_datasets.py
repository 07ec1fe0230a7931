"""Datasets that were sent to a stand-in for Label Studio, and what annotators do there."""

import fiftyone as fo
from labelscape.ml_backend.actions.pull_from_label_studio import pull
from labelscape.ml_backend.actions.send_to_label_studio import open_project, send
from labelscape.ml_backend.label_studio.config import Region, read_label_config

DIGITS = [str(digit) for digit in range(10)]


class Sent:
    """A dataset whose samples were sent to a project."""

    def __init__(self, dataset, studio, field):
        self.dataset, self.studio, self.field = dataset, studio, field
        self.project = open_project(dataset, studio, title="Again", field=field, classes=DIGITS)
        self.ids = dataset.values("id")
        send(dataset, self.ids, studio=studio, project=self.project, field=field)
        self.control = read_label_config(studio.project_data[self.project]["label_config"])

    def choose(self, number, *labels, **options):
        return self.studio.annotate(self.project, self.ids[number], self.control.choice(labels), **options)

    def draw(self, number, *regions, **options):
        items = [self.control.box(Region(*region, 64, 64), label, None) for label, region in regions]
        return self.studio.annotate(self.project, self.ids[number], items, **options)

    def submit(self, number, **options):
        """The pre-annotation as it was shown."""
        predictions = self.studio.task_of(self.project, self.ids[number])["predictions"]
        result = predictions[0]["result"] if predictions else []
        return self.studio.annotate(self.project, self.ids[number], result, **options)

    def pull(self, **options):
        report = pull(self.dataset, studio=self.studio, project=self.project, **{"field": self.field, **options})
        self.dataset.reload()
        return report

    def label(self, number):
        label = self.dataset[self.ids[number]][self.field]
        return None if label is None else label.label

    def relabel(self, number, label):
        """As a person does in the App."""
        sample = self.dataset[self.ids[number]]
        sample[self.field] = None if label is None else fo.Classification(label=label)
        sample.save()

    def boxes(self, number):
        boxes = self.dataset[self.ids[number]][self.field].detections
        return {box.id: (box.label, tuple(box.bounding_box)) for box in boxes}


def new_project(dataset, studio, field="ground_truth", classes=DIGITS):
    return open_project(dataset, studio, title="Digits again", field=field, classes=classes)


def send_all(dataset, studio, project, field="ground_truth", **options):
    return send(dataset, dataset.values("id"), studio=studio, project=project, field=field, **options)
