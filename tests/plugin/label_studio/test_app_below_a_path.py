"""Label Studio with the app behind an HTTPS proxy that serves it under a path, such as https://host/labelstudio/."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelscape.testing.label_studio import LabelscapeServer, label_studio_with_app
from labelscape.testing.tls_proxy import tls_proxy

from ...ml_backend.server.projects import eventually
from .conftest import Desk, Person

pytestmark = pytest.mark.slow
ROW = ".lsf-table__row-wrapper"
PATH = "/labelstudio"


@pytest.fixture(scope="module")
def below(desk: Desk, app_backend: LabelscapeServer) -> Iterator[Person]:
    """The owner of the project, at the proxy before a Label Studio that knows its address there."""
    server = label_studio_with_app(desk.project.studio.folder.with_name("label-studio-below"), app_backend)
    # Where local files are is part of a storage.
    where = "UPDATE io_storages_localfilesmixin SET path = ?"
    server.copy_database(desk.project.studio, where, (str(server.media),))
    shutil.copytree(desk.project.studio.media, server.media, dirs_exist_ok=True)
    with tls_proxy(server.url, PATH, server.folder / "tls", keep_host=True) as proxy:
        # Label Studio itself hears HTTP, so that it would refuse forms that come from an HTTPS page.
        server.configure({"LABEL_STUDIO_HOST": proxy.url, "CSRF_TRUSTED_ORIGINS": proxy.url.removesuffix(PATH)})
        server.start()
        person = Person(proxy.url, desk.owner.email)
        person.session.trust_env = False  # a variable with other authorities would come first
        person.session.verify = str(proxy.authority)
        person.log_in()
        yield person
        server.stop()


@pytest.fixture
def browser(desk: Desk, below: Person, page: Any) -> Any:
    origin = below.url.removesuffix(PATH)
    # Chromium does not know the authority of the certificate.
    page.context.new_cdp_session(page).send("Security.setIgnoreCertificateErrors", {"ignore": True})
    page.context.add_cookies([{"name": one.name, "value": one.value, "url": origin} for one in below.session.cookies])
    page.goto(f"{below.url}/projects/{desk.project.id}/data")
    page.locator(ROW).first.wait_for()
    page.get_by_role("button", name="Labelscape map").wait_for()  # from then on, its dialogs are there too
    return page


def test_the_panel_and_its_dialogs_work_below_a_path(desk: Desk, below: Person, browser: Any, tmp_path: Path) -> None:
    requested: list[str] = []
    browser.on("request", lambda request: requested.append(request.url))
    browser.locator(ROW).first.get_by_role("checkbox").click()
    browser.get_by_text("1 Task", exact=True).click()
    browser.get_by_text("Create Segment", exact=True).click()
    dialog = browser.get_by_test_id("labelscape-dialog")
    dialog.get_by_label("Name").fill("below a path")
    dialog.get_by_test_id("labelscape-preview").get_by_text("1 task selected").first.wait_for()
    browser.screenshot(path=tmp_path / "below-dialog.png")
    dialog.get_by_role("button", name="Cancel").click()

    task = desk.project.unlabeled()[0]
    browser.goto(f"{below.url}/projects/{desk.project.id}/data?task={task}")
    browser.locator(".lsf-choices").first.wait_for()
    browser.get_by_role("button", name="Labelscape map").click()
    panel = browser.get_by_test_id("labelscape-panel")
    pictures = panel.get_by_role("list", name="Neighbors").locator("li img")
    pictures.first.wait_for()
    eventually(
        "pictures of the neighbors",
        lambda: pictures.evaluate_all("all => all.length > 0 && all.every(one => one.naturalWidth > 0)"),
    )
    browser.screenshot(path=tmp_path / "below-task.png")
    ours = [one for one in requested if "labelscape" in one]
    assert ours
    assert all(re.match(rf"{re.escape(below.url)}/labelscape/", one) for one in ours)


def test_the_map_is_shown_below_a_path(desk: Desk, below: Person, browser: Any, tmp_path: Path) -> None:
    answer = below.ask("GET", desk.path("map"))
    assert answer.ok, answer.text
    browser.get_by_role("button", name="Labelscape map").click()
    browser.get_by_test_id("labelscape-panel").locator("canvas").first.wait_for()
    browser.screenshot(path=tmp_path / "below-map.png")
