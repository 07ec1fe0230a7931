"""Takes the pictures of docs/label-studio.md anew: `.venv/bin/python scripts/label_studio_pictures.py`.

Needs `scripts/setup label-studio`, Chromium, and FiftyOne's database, in which it uses a database of its own.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests
from labelscape.cli.digits import write_digits
from labelscape.testing.chromium import chromium
from labelscape.testing.label_studio import (
    LABELSCAPE,
    PASSWORD,
    QUICK_PACE,
    USER,
    LabelscapeServer,
    label_studio_with_app,
)

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
TASKS, LABELED, OF_OTHERS = 300, 40, 20
ROW = ".lsf-table__row-wrapper"
OPTIONS = "".join(f'<Choice value="{digit}"/>' for digit in range(10))
CONFIG = (
    '<View><Image name="image" value="$image" maxWidth="300px" zoom="false" zoomControl="false"/>'
    f'<Choices name="digit" toName="image">{OPTIONS}</Choices></View>'
)
DIALOGS = {
    "Label Neighbors": {"Number of neighbors": "12"},
    "Suggest Labels": {},
    "Accept Suggestions": {},
    "Audit Suggestions": {},
    "Rank Outliers": {},
    "Find Likely Mislabeled": {},
    "Find Similar Tasks": {"Not like these tasks": "7"},
    "Create Function": {"Name": "Round ones"},
    "Create Segment": {"Name": "Smudged"},
}
SHEET_COLUMNS, MARGIN = 3, 16


class Studio:
    """A Label Studio with the app and a served project of digits, some of them labeled."""

    def __init__(self, folder: Path) -> None:
        self.server = LabelscapeServer(folder / "labelscape", QUICK_PACE)
        self.studio = label_studio_with_app(folder / "label-studio", self.server)

    def start(self) -> None:
        """Start both servers, and wait until the project is up to date."""
        self.studio.start()
        self.server.start()
        paths, digits = write_digits(self.studio.media / "digits", count=TASKS)
        self.project = int(self.studio.ask("POST", "projects/", json={"title": "Digits", "label_config": CONFIG})["id"])
        storage = {"project": self.project, "path": str(self.studio.media), "use_blob_urls": True, "title": "files"}
        self.studio.ask("POST", "storages/localfiles/", json=storage)
        rows = [{"data": {"image": f"/data/local-files/?d=files/digits/{path.name}"}} for path in paths]
        self.studio.ask("POST", f"projects/{self.project}/import", json=rows)
        self.tasks = sorted(task["id"] for task in self.listed("id"))
        self.rename_owner()
        for task, digit in zip(self.tasks[:LABELED], digits, strict=False):
            self.studio.ask("POST", f"tasks/{task}/annotations/", json={"result": chosen(digit)})
        grace = self.sign_up("grace@example.com")
        for task, digit in list(zip(self.tasks, digits, strict=True))[LABELED : LABELED + OF_OTHERS]:
            grace(f"tasks/{task}/annotations/", {"result": chosen(digit)})
        words = ["--project", str(self.project), "--url", self.studio.url, "--token", self.studio.token]
        os.environ.update(self.server.environment)
        os.spawnv(os.P_WAIT, LABELSCAPE, [str(LABELSCAPE), "connect", *words, "--backend", self.server.url])
        wait("every column", lambda: all(self.filled(name) for name in ("ls_outlier", "ls_confidence", "ls_cluster")))

    def rename_owner(self) -> None:
        """Give the owner a name."""
        me = self.studio.ask("GET", "current-user/whoami")["id"]
        self.studio.ask("PATCH", f"users/{me}/", json={"first_name": "Ada", "last_name": "Lovelace"})

    def sign_up(self, email: str) -> Callable[[str, object], None]:
        """Create another annotator; returns a function that posts as them."""
        token = self.studio.ask("GET", "invite")["token"]
        session, url = requests.Session(), self.studio.url

        def headers() -> dict[str, str]:
            return {"X-CSRFToken": session.cookies.get("csrftoken") or "", "Referer": url}

        def post(path: str, body: object) -> None:
            session.post(f"{url}/api/{path}", json=body, headers=headers(), timeout=60).raise_for_status()

        address = f"{url}/user/signup/?token={token}"
        session.get(address, timeout=60)
        form = {"email": email, "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post(address, data=form, headers=headers(), timeout=60)
        me = session.get(f"{url}/api/current-user/whoami", timeout=60).json()["id"]
        named = {"first_name": "Grace", "last_name": "Hopper"}
        session.patch(f"{url}/api/users/{me}/", json=named, headers=headers(), timeout=60).raise_for_status()
        return post

    def listed(self, include: str) -> list[dict[str, Any]]:
        """The project's tasks, with these of their fields."""
        query = {"project": self.project, "page_size": TASKS, "fields": "task_only", "include": include}
        return list(self.studio.ask("GET", "tasks", params=query)["tasks"])

    def filled(self, column: str) -> bool:
        """Whether a column has been written."""
        return any(task["data"].get(column) for task in self.listed("id,data"))

    def stop(self) -> None:
        """End both servers."""
        self.server.stop()
        self.studio.stop()


class Camera:
    """A browser in which the owner is logged in, and that takes pictures."""

    def __init__(self, page: Any, studio: Studio) -> None:
        self.page, self.studio = page, studio
        self.url = studio.studio.url
        page.set_default_timeout(120_000)
        page.goto(f"{self.url}/user/login")
        page.fill("input[name=email]", USER)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda address: "login" not in address)

    def take(self, name: str, **options: Any) -> None:
        """Take a picture once the page is at rest."""
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(1_000)
        self.page.screenshot(path=IMAGES / f"label-studio-{name}.png", **options)

    def open_list(self) -> None:
        """The list of tasks, as it is at first."""
        self.page.goto(f"{self.url}/projects/{self.studio.project}/data")
        self.page.locator(ROW).first.wait_for()
        self.page.get_by_role("button", name="Labelscape map").wait_for()
        self.page.get_by_text("Default", exact=True).first.click()
        self.page.locator(ROW).first.wait_for()

    def open_menu(self) -> None:
        """The menu of actions, for four tasks."""
        self.open_list()
        for row in range(4):
            self.page.locator(ROW).nth(row).get_by_role("checkbox").click()
        self.page.get_by_text("4 Tasks", exact=True).click()
        self.page.get_by_text("Label Neighbors", exact=True).wait_for()

    def dialog(self, title: str) -> Any:
        """The dialog of an action, filled in and with its preview."""
        self.open_menu()
        self.page.get_by_text(title, exact=True).click()
        dialog = self.page.get_by_test_id("labelscape-dialog")
        for label, value in DIALOGS.get(title, {}).items():
            dialog.get_by_label(label).fill(value)
        dialog.locator("[data-testid=labelscape-preview], [data-testid=labelscape-refusal]").first.wait_for()
        self.page.wait_for_timeout(1_500)  # another preview, after the last key
        dialog.locator("[data-testid=labelscape-preview], [data-testid=labelscape-refusal]").first.wait_for()
        return dialog

    def run(self, title: str) -> str:
        """Run an action in its dialog; returns what the dialog says at the end."""
        dialog = self.dialog(title)
        dialog.get_by_role("button", name=title).click()
        outcome = dialog.get_by_test_id("labelscape-outcome")
        outcome.wait_for()
        return str(outcome.inner_text())

    def open_panel(self) -> Any:
        """The panel with the map."""
        panel = self.page.get_by_test_id("labelscape-panel")
        if panel.count() == 0:
            self.page.get_by_role("button", name="Labelscape map").click()
        panel.locator("canvas").first.wait_for()
        return panel

    def lasso(self, canvas: Any) -> None:
        """Draw around the right part of the map."""
        box = canvas.bounding_box()
        x, y, width, height = box["x"], box["y"], box["width"], box["height"]
        self.page.mouse.move(x + 0.62 * width, y + 0.5 * height)
        self.page.mouse.down()
        for across, down in ((0.65, 0.02), (0.98, 0.02), (0.98, 0.98), (0.65, 0.98), (0.62, 0.52)):
            self.page.mouse.move(x + across * width, y + down * height, steps=8)
        self.page.mouse.up()


def take_all(camera: Camera) -> None:
    """All pictures, in an order in which one does not change what the next one shows."""
    page, studio = camera.page, camera.studio
    camera.open_menu()
    camera.take("menu")
    sheet("dialogs", [camera.dialog(title).screenshot() for title in DIALOGS])
    print(camera.run("Rank Outliers"))
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("^Open “Outliers”")).click()
    page.locator(f"{ROW} img").first.wait_for()
    camera.take("tab")
    camera.open_list()
    page.locator(ROW).first.hover()
    page.mouse.wheel(0, 100_000)  # to tasks without a label, which have a suggestion
    page.wait_for_timeout(3_000)
    page.mouse.wheel(100_000, 0)
    camera.take("columns")
    camera.open_list()
    panel = camera.open_panel()
    colors = []
    for by in ("Label", "Prediction", "Annotator", "Outlier score", "Mislabel score", "Confidence"):
        panel.get_by_label("Color by").select_option(by)
        page.wait_for_timeout(1_500)
        colors.append(panel.screenshot())
    sheet("map-colors", colors)
    panel.get_by_label("Color by").select_option("Label")
    camera.lasso(panel.locator("canvas").first)
    panel.get_by_text("in the lasso").wait_for()
    camera.take("lasso")
    with page.expect_navigation():
        panel.get_by_role("button", name="Filter the tasks").click()
    page.locator(f"{ROW} img").first.wait_for()
    camera.open_panel()
    camera.take("map")
    page.goto(f"{camera.url}/projects/{studio.project}/data?task={studio.tasks[99]}")
    page.locator(".lsf-choices").first.wait_for()
    camera.open_panel().get_by_role("list", name="Neighbors").locator("li img").first.wait_for()
    camera.take("task")


def sheet(name: str, pictures: list[bytes]) -> None:
    """One picture of several, side by side in rows."""
    images = [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR) for one in pictures]
    width = max(image.shape[1] for image in images)
    rows = [images[start : start + SHEET_COLUMNS] for start in range(0, len(images), SHEET_COLUMNS)]
    total = SHEET_COLUMNS * (width + MARGIN) + MARGIN
    whole = np.full((sum(_height(row) + MARGIN for row in rows) + MARGIN, total, 3), 235, np.uint8)
    top = MARGIN
    for row in rows:
        for place, image in enumerate(row):
            left = MARGIN + place * (width + MARGIN)
            whole[top : top + image.shape[0], left : left + image.shape[1]] = image
        top += _height(row) + MARGIN
    cv2.imwrite(str(IMAGES / f"label-studio-{name}.png"), whole)


def _height(row: list[np.ndarray]) -> int:
    return max(image.shape[0] for image in row)


def chosen(digit: int) -> list[dict[str, Any]]:
    """An annotation's result."""
    return [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": [str(digit)]}}]


def wait(what: str, look: Callable[[], bool], seconds: float = 600) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {seconds:.0f} s there is still not {what}.")
        time.sleep(2)


def main() -> None:
    """Start everything, and take the pictures."""
    from fiftyone.core.odm import drop_database

    os.environ["FIFTYONE_DATABASE_NAME"] = f"labelscape-pictures-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as name:
        studio = Studio(Path(name))
        try:
            studio.start()
            with chromium() as browser:
                take_all(Camera(browser.new_page(viewport={"width": 1440, "height": 900}), studio))
        finally:
            studio.stop()
            drop_database()


if __name__ == "__main__":
    main()
