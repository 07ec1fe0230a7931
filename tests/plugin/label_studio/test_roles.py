"""Who may do what: every action as owner, as annotator, and as people without the right; and what the backend learns.

Label Studio's community edition (1.23) gives every member of the organization every permission, so owners and
annotators cannot be told apart there. A member who was removed has no right to any project. Where an edition gives
permissions one by one, as the one here does, the app follows them.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from labelscape.testing.label_studio import LabelscapeServer, LabelStudioServer
from labelscape.testing.recording_proxy import Recorder, recording_proxy

from .conftest import Desk, OtherStudio, Person, set_up_desk, start_other_studio

pytestmark = pytest.mark.slow
STOCK = "make_perm(permission_name, rules.is_authenticated)"
READERS_MAY_NOT_ANNOTATE = (
    "make_perm(permission_name, rules.is_authenticated if not permission_name.startswith('annotations.') else "
    "rules.predicate(lambda user: not user.email.startswith('reader')))"
)
UNDOABLE = ("label_neighbors", "accept_suggestions", "create_function", "create_segment")


@pytest.fixture(scope="module")
def mine(app_studio: LabelStudioServer, app_backend: LabelscapeServer, owner: Person) -> Iterator[Desk]:
    """A project for this file, whose labels and tabs its tests change."""
    made = set_up_desk(app_studio, app_backend, owner)
    yield made
    app_backend.forget(made.project.id)


@pytest.fixture(scope="module")
def recorder(app_backend: LabelscapeServer) -> Iterator[Recorder]:
    with recording_proxy(app_backend.url, app_backend.environment) as started:
        yield started


@pytest.fixture(scope="module")
def guarded(mine: Desk, recorder: Recorder) -> Iterator[OtherStudio]:
    """A Label Studio that lets people whose address begins with “reader” read, but not annotate."""
    replaced = {"/core/permissions.py": {STOCK: READERS_MAY_NOT_ANNOTATE}}
    studio = start_other_studio(mine, "guarded", recorder, replaced)
    yield studio
    studio.server.stop()


def requests_of(desk: Desk) -> dict[str, tuple[list[int], dict[str, Any]]]:
    """Action → the tasks it acts on, and the values of its form; in an order in which each of them can be done."""
    tasks = sorted(desk.project.digits)
    free = desk.project.unlabeled()
    label = {"label": desk.project.digits[free[0]], "reach": "2", "as": "annotations"}
    name = uuid.uuid4().hex[:8]
    return {
        "label_neighbors": ([free[0]], label),
        "suggest_labels": (free, {"precision": "80"}),
        "accept_suggestions": (free[5:9], {"confidence": "0"}),
        "audit_suggestions": ([], {"step": "begin", "target": "60"}),
        "rank_outliers": (tasks, {}),
        "rank_mislabels": (tasks, {}),
        "find_similar": (tasks[:3], {"limit": "5"}),
        "create_function": (tasks[:3], {"name": f"Function {name}", "threshold": "50"}),
        "create_segment": (tasks[:3], {"name": f"Segment {name}", "kind": "data quality"}),
        "undo": ([], {}),
    }


def by_menu(desk: Desk, person: Person, action: str, tasks: list[int], values: dict[str, Any]) -> requests.Response:
    """The action as Label Studio's own dialog starts it."""
    path = f"api/dm/actions?project={desk.project.id}&id=labelscape_{action}"
    return person.ask("POST", path, {"selectedItems": {"all": False, "included": tasks}, **values})


def do_everything(desk: Desk, person: Person) -> None:
    """Preview and run each action, and undo what can be undone."""
    before = desk.annotated()
    for action, (tasks, values) in requests_of(desk).items():
        if action == "undo":
            continue
        shown = person.ask("POST", desk.path(f"actions/{action}/preview"), desk.selection(tasks, **values))
        assert (shown.status_code, shown.json()["selected"]) == (200, len(tasks)), (action, shown.text)
        done = desk.run(person, action, tasks, **values)
        assert done["state"] == "done", (action, done)
        if action in UNDOABLE:
            undone = desk.run(person, "undo", [])
            assert undone["state"] == "done", (action, undone)
    assert desk.annotated() == before


@pytest.mark.parametrize("role", ["owner", "annotator"])
def test_members_preview_run_and_undo_every_action(mine: Desk, invite: Callable[[str], Person], role: str) -> None:
    do_everything(mine, mine.owner if role == "owner" else invite("annotator"))


@pytest.mark.parametrize("role", ["removed", "anonymous"])
def test_people_without_the_right_to_the_project_do_nothing(
    mine: Desk, invite: Callable[[str], Person], role: str
) -> None:
    person = Person(mine.owner.url, "")
    if role == "removed":
        person = invite("removed")
        me = person.ask("GET", "api/current-user/whoami").json()
        membership = f"api/organizations/{me['active_organization']}/memberships/{me['id']}/"
        assert mine.owner.ask("DELETE", membership).status_code == 204
    before, server = mine.annotated(), mine.project.server
    jobs = server.log().count("job_started")
    for action, (tasks, values) in requests_of(mine).items():
        body = mine.selection(tasks, **values)
        answers = [
            person.ask("POST", mine.path(f"actions/{action}/preview"), body),
            person.ask("POST", mine.path(f"actions/{action}"), body),
            person.ask("GET", f"api/dm/actions/labelscape_{action}/form?project={mine.project.id}"),
            by_menu(mine, person, action, tasks, values),
        ]
        assert {answer.status_code for answer in answers} <= {401, 403, 404}, action
    for path in ("description", "map", "next", f"tasks/{min(mine.project.digits)}/neighbors", "bulk"):
        assert person.ask("GET", mine.path(path)).status_code in (401, 404)
    assert (mine.annotated(), server.log().count("job_started")) == (before, jobs)


def test_actions_follow_label_studios_permissions_one_by_one(mine: Desk, guarded: OtherStudio) -> None:
    reader = Person(guarded.server.url, f"reader-{uuid.uuid4().hex}@example.com")
    reader.sign_up(guarded.owner.ask("GET", "api/invite").json()["token"])
    annotate = {"label_neighbors", "accept_suggestions", "audit_suggestions", "undo"}
    offered = {action["name"] for action in reader.ask("GET", mine.path("description")).json()["actions"]}
    assert offered == requests_of(mine).keys() - annotate
    listed = reader.ask("GET", f"api/dm/actions?project={mine.project.id}").json()
    assert {action["id"] for action in listed if "labelscape" in action["id"]} == {f"labelscape_{n}" for n in offered}
    before = mine.annotated()
    for action, (tasks, values) in requests_of(mine).items():
        shown = reader.ask("POST", mine.path(f"actions/{action}/preview"), mine.selection(tasks, **values))
        if action in annotate:
            started = reader.ask("POST", mine.path(f"actions/{action}"), mine.selection(tasks, **values))
            menu = by_menu(mine, reader, action, tasks, values)
            assert [shown.status_code, started.status_code, menu.status_code] == [403] * 3, action
            assert started.json()["detail"] == "Your account is not allowed to do this in Label Studio."
        else:
            assert shown.status_code == 200, (action, shown.text)
    assert mine.annotated() == before


def test_no_cookie_or_token_of_a_user_reaches_the_backend(mine: Desk, guarded: OtherStudio, recorder: Recorder) -> None:
    owner = guarded.owner
    recorder.received.clear()
    do_everything(mine, owner)
    by_menu(mine, owner, "create_segment", sorted(mine.project.digits)[:2], {"name": f"By menu {uuid.uuid4().hex}"})
    task = min(mine.project.digits)
    for path in ("description", "map", "next", f"tasks/{task}/neighbors"):
        assert owner.ask("GET", mine.path(path)).ok
    headers = {"Authorization": f"Bearer {access_token(guarded)}"}
    assert requests.get(f"{owner.url}/{mine.path('map')}", headers=headers, timeout=60).ok
    secrets = [*owner.session.cookies.values(), mine.project.studio.token, headers["Authorization"].split()[1]]
    assert all(len(secret) > 20 for secret in secrets)
    assert {one.path.split("/")[4].split("?")[0] for one in recorder.received} >= requests_of(mine).keys()
    for one in recorder.received:
        assert not {"cookie", "authorization", "x-csrftoken", "referer"} & {name.lower() for name in one.headers}
        sent = f"{one.path} {dict(one.headers)} {one.body.decode()}"
        assert not [secret for secret in secrets if secret in sent], one.path
        assert owner.email not in sent


def access_token(studio: OtherStudio) -> str:
    """A short-lived token of the owner, as scripts use it."""
    return str(studio.server.ask("POST", "token/refresh/", json={"refresh": studio.server.token})["access"])
