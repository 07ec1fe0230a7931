"""A real Label Studio and the real `labelscape serve`, with real images: what connecting them does and reports."""

import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from labelscape.testing.label_studio import BANNED_ADDRESS, LabelscapeServer, LabelStudioServer
from labelscape.testing.tls_proxy import tls_proxy

from .projects import Project, eventually

pytestmark = pytest.mark.slow


# --- connecting ------------------------------------------------------------------------------------------------------


def test_connecting_registers_the_backend_and_a_webhook_that_shows_the_secret(project: Project) -> None:
    [backend] = project.backends()
    [webhook] = project.webhooks()
    assert (backend["url"], backend["auth_method"], backend["state"]) == (project.server.url, "BASIC_AUTH", "CO")
    assert webhook["url"] == f"{project.server.url}/webhook"
    assert webhook["headers"] == {"X-Labelscape-Secret": project.server.settings["secret"]}
    assert webhook["is_active"]
    assert webhook["send_payload"]
    assert re.fullmatch(r"labelscape-\d{4}", backend["title"])
    assert project.settings()["model_version"] == backend["title"]


def test_connecting_again_makes_nothing_twice(project: Project) -> None:
    before = project.backends()[0]["id"], project.webhooks()[0]["id"], project.settings()["model_version"]
    done = project.connect()
    assert done.exit_code == 0
    [backend], [webhook] = project.backends(), project.webhooks()
    assert (backend["id"], webhook["id"], project.settings()["model_version"]) == before


def test_connecting_names_each_control_that_is_not_filled_in_and_why(make_project: Callable[..., Project]) -> None:
    classes = '<Choice value="a"/><Choice value="b"/>'
    config = f"""<View>
      <Image name="image" value="$image"/>
      <Text name="text" value="$text"/>
      <Choices name="kind" toName="image">{classes}</Choices>
      <Choices name="mood" toName="image">{classes}</Choices>
      <Choices name="topic" toName="text">{classes}</Choices>
      <RectangleLabels name="box" toName="image"><Label value="a"/><Label value="b"/></RectangleLabels>
      <Choices name="part" toName="image" perRegion="true">{classes}</Choices>
      <Choices name="why" toName="image" visibleWhen="choice-selected" whenTagName="kind">{classes}</Choices>
      <TextArea name="note" toName="image"/>
    </View>"""
    project = make_project(config, n=0, connected=False)
    done = project.connect()
    assert done.exit_code == 0, done.output
    output = " ".join(done.output.split())
    assert "“kind” with 2 classes and “mood” with 2 classes are filled in" in output
    for control, reason in [
        ("Choices “topic”", "because it labels Text “text”, and “kind”, which is filled in, labels Image “image”"),
        ("RectangleLabels “box”", "because it labels regions, and “kind”, which is filled in, labels whole tasks"),
        ("Choices “part”", "that applies to each region (perRegion)"),
        ("Choices “why”", "that is shown only under a condition (visibleWhen)"),
        ("TextArea “note”", "of a kind that is not served"),
    ]:
        assert f"Not filled in: {control}, {reason}." in output


def test_connecting_says_at_once_what_is_wrong(make_project: Callable[..., Project]) -> None:
    project = make_project(n=0, connected=False)
    unsupported = make_project(
        '<View><Text name="t" value="$t"/><TextArea name="a" toName="t"/></View>', n=0, connected=False
    )
    wrong = [
        (project, {"--token": "x" * 40}, "does not accept this token"),
        (project, {"--token": f"{project.studio.token[:-4]}AAAA"}, "does not accept this token"),
        (project, {"--project": 123456}, "404"),
        (project, {"--url": "http://127.0.0.1:9"}, "cannot be reached"),
        (project, {"--backend": "http://127.0.0.1:9"}, "labelscape serve"),
        (unsupported, {}, "TextArea"),
    ]
    for tried, options, expected in wrong:
        said = tried.connect(**options)
        assert said.exit_code == 1
        assert expected in said.output
    assert project.backends() == unsupported.backends() == []


def test_turning_to_another_label_studio_replaces_the_secret_and_tells_who_must_restart(
    make_project: Callable[..., Project], tmp_path: Path
) -> None:
    server = LabelscapeServer(tmp_path / "server")
    server.start()
    try:
        project = make_project(n=0, connected=False)
        moved = Project(project.studio, server, project.id, project.digits)
        former = server.settings | {"url": "http://former.example", "projects": [1]}
        (tmp_path / "server" / "labelscape" / "label-studio" / "settings.json").write_text(json.dumps(former))
        done = moved.connect()
        assert done.exit_code == 0, done.output
        assert "restart it with “labelscape label-studio”" in done.output.replace("\n", " ")
        assert server.settings["secret"] != former["secret"]
        assert "restart it" not in moved.connect().output
    finally:
        server.stop()


def test_a_secret_of_the_environment_is_not_said_to_be_replaced(
    make_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELSCAPE_SECRET", "of-the-environment")
    file = tmp_path / "server" / "labelscape" / "label-studio" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"url": "http://former.example", "secret": "of-the-file", "projects": [1]}))
    server = LabelscapeServer(tmp_path / "server")
    server.start()
    try:
        project = make_project(n=0, connected=False)
        done = Project(project.studio, server, project.id, project.digits).connect()
        assert (done.exit_code, "restart it" in done.output) == (0, False), done.output
    finally:
        server.stop()


def test_a_legacy_token_does_where_label_studio_takes_them_and_is_refused_otherwise(
    make_project: Callable[..., Project], legacy_token: str
) -> None:
    project = make_project(connected=False)
    done = project.connect(**{"--token": legacy_token})
    assert done.exit_code == 0, done.output
    project.wait_for_predictions()
    project.studio.take_legacy_tokens(False)
    said = project.connect(**{"--token": legacy_token})
    assert said.exit_code == 1
    assert "does not accept this token" in said.output


@pytest.fixture
def legacy_token(label_studio: LabelStudioServer) -> Iterator[str]:
    label_studio.take_legacy_tokens(True)
    yield str(label_studio.ask("GET", "current-user/token")["token"])
    label_studio.take_legacy_tokens(False)


def test_an_expired_and_a_revoked_token_are_reported_at_once(make_project: Callable[..., Project]) -> None:
    project = make_project(n=0, connected=False)
    for token in (project.studio.expired_token(), project.studio.revoke_token()):
        said = project.connect(**{"--token": token})
        assert said.exit_code == 1
        assert "does not accept this token: it is wrong, has expired, or was revoked" in said.output
    assert project.backends() == []
    assert project.connect().exit_code == 0, "with a new token"


def test_a_label_studio_that_refuses_private_addresses_is_reported_with_the_settings_to_change(
    make_project: Callable[..., Project],
) -> None:
    project = make_project(n=0, connected=False)
    with ThreadingHTTPServer((BANNED_ADDRESS, 0), _Healthy) as backend:
        Thread(target=backend.serve_forever, daemon=True).start()
        said = project.connect(**{"--backend": f"http://{BANNED_ADDRESS}:{backend.server_port}"})
        backend.shutdown()
    assert said.exit_code == 1
    assert "USE_DEFAULT_BANNED_SUBNETS=false USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16" in said.output


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_the_log_has_no_progress_bars(project: Project) -> None:
    eventually("embeddings", lambda: '"event": "embedded"' in project.server.log())
    lines = project.server.log().splitlines()
    assert [line for line in lines if "\r" in line or "%" in line] == []


# --- beneath a path, with a certificate authority of one's own -------------------------------------------------------


def test_a_label_studio_beneath_a_path_with_an_authority_of_its_own_is_served(
    make_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(connected=False)
    with tls_proxy(project.studio.url, "/labelstudio", tmp_path / "tls") as proxy:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        refused = project.connect(**{"--url": proxy.url})
        assert refused.exit_code == 1, "nobody vouches for it"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.authority))
        server = LabelscapeServer(tmp_path / "server")
        server.start()
        try:
            served = Project(project.studio, server, project.id, project.digits)
            done = served.connect(**{"--url": f"{proxy.url}/projects/{project.id}/data"})
            assert done.exit_code == 0, done.output
            assert f"{proxy.url} accepts the token" in done.output
            served.wait_for_predictions()
            assert len(served.dataset) == 120, "media came through it too"
        finally:
            server.stop()
