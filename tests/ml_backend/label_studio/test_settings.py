import dataclasses
import json
import stat
from pathlib import Path

import pytest
from labelscape.ml_backend.label_studio.settings import (
    SECRET_VARIABLE,
    Limits,
    Pace,
    ServerSettings,
    ensure_secret,
    load_secret,
    load_settings,
    parse_address,
    same_address,
    save_settings,
    settings_path,
)

SETTINGS = ServerSettings(
    url="https://studio.example.com",
    token="token-1",
    secret="secret-1",
    projects=frozenset({3, 9}),
    media_roots=("https://bucket.example.com/images", "/data/images"),
    model="torchvision/resnet18",
    model_options={"crop": 0.9},
    precision=0.9,
    aliases=("http://studio:8080",),
    prefill_from=0.3,
    limits=Limits(media_bytes=10, predict_seconds=3.5),
    pace=Pace(poll_seconds=5, missing_seconds=3600),
)


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))


def test_settings_are_read_as_they_were_saved() -> None:
    save_settings(SETTINGS)
    assert load_settings({}) == SETTINGS


def test_without_a_file_the_backend_is_not_connected() -> None:
    assert load_settings({}) == ServerSettings()


def test_only_its_owner_may_read_the_file_with_the_secrets() -> None:
    path = save_settings(SETTINGS)
    path.chmod(0o644)
    assert stat.S_IMODE(save_settings(SETTINGS).stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_environment_wins_over_the_file() -> None:
    save_settings(SETTINGS)
    environment = {
        "LABELSCAPE_SECRET": "secret-2",
        "LABEL_STUDIO_URL": "http://localhost:8080/",
        "LABEL_STUDIO_API_KEY": "token-2",
    }
    expected = dataclasses.replace(SETTINGS, secret="secret-2", url="http://localhost:8080", token="token-2")
    assert load_settings(environment) == expected


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://studio.example.com/", "token-1"),
        ("https://studio.example.org", ""),
        ("http://studio.example.com", ""),
        ("https://studio.example.com:8443", ""),
    ],
)
def test_a_saved_token_goes_to_the_saved_address_only(url: str, token: str) -> None:
    save_settings(SETTINGS)
    assert load_settings({"LABEL_STUDIO_URL": url}).token == token


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://localhost:8080", "http://127.0.0.1:8080/"),
        ("http://[::1]:8080", "http://localhost:8080"),
        ("https://studio.example.com", "https://studio.example.com:443/"),
    ],
)
def test_names_of_one_server_are_the_same_address(one: str, other: str) -> None:
    assert same_address(one, other)
    assert not same_address(one, "http://localhost:8081")
    assert not same_address(one, f"{other.rstrip('/')}/labelstudio")


@pytest.mark.parametrize(
    ("page", "address", "project"),
    [
        ("http://localhost:8080/projects/3/data?tab=1&task=5", "http://localhost:8080", 3),
        ("http://localhost:8080/projects/3", "http://localhost:8080", 3),
        ("https://host.example.com/labelstudio/projects/12/settings", "https://host.example.com/labelstudio", 12),
        ("http://localhost:8080/projects/?page=1", "http://localhost:8080", None),
        ("http://localhost:8080/user/account/personal-access-token", "http://localhost:8080", None),
        ("http://localhost:8080/", "http://localhost:8080", None),
        ("https://host.example.com/labelstudio", "https://host.example.com/labelstudio", None),
    ],
)
def test_the_address_of_a_page_is_understood(page: str, address: str, project: int | None) -> None:
    assert parse_address(page) == (address, project)


def test_a_made_secret_is_long_and_the_same_at_the_next_start() -> None:
    made = ensure_secret(load_settings({}))
    assert len(made.secret) >= 32
    assert ensure_secret(load_settings({})) == made


def test_making_a_secret_saves_nothing_of_the_environment() -> None:
    made = ensure_secret(load_settings({"LABEL_STUDIO_API_KEY": "token-2"}))
    assert made.token == "token-2"
    assert load_settings({}) == ServerSettings(secret=made.secret)


def test_a_secret_that_is_set_is_left_alone() -> None:
    assert ensure_secret(SETTINGS) is SETTINGS
    assert not settings_path().exists()


def test_the_secret_is_known_while_another_setting_is_not_allowed() -> None:
    path = save_settings(ServerSettings(secret="known"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "precision": 0.4}))
    assert load_secret({}) == "known"
    assert load_secret({SECRET_VARIABLE: "other"}) == "other"


def test_printed_settings_show_neither_token_nor_secret() -> None:
    assert "token-1" not in repr(SETTINGS)
    assert "secret-1" not in repr(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "localhost:8080"),
        ("url", "ftp://studio.example.com"),
        ("url", "http://user:password@studio.example.com"),
        ("url", "http://studio.example.com:99999"),
        ("url", 8080),
        ("secret", "with a space"),
        ("secret", "schlüssel"),
        ("projects", "3"),
        ("projects", ["3"]),
        ("projects", [True]),
        ("media_roots", ["images"]),
        ("media_roots", [3]),
        ("precision", 0.4),
        ("model", "torchvisions/resnet18"),
        ("model", "torchvision"),
        ("prefill_from", 1.1),
        ("prefill_from", "high"),
        ("aliases", ["localhost:8080"]),
        ("precision", 1.5),
        ("precision", True),
        ("model_options", []),
        ("limits", {"body_bytes": 0}),
        ("limits", {"body_bytes": 1.5}),
        ("limits", {"bodies": 1}),
        ("pace", {"poll_seconds": 0}),
        ("pace", {"poll_seconds": "often"}),
        ("pace", {"poll": 1}),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(name: str, value: object) -> None:
    save_settings(SETTINGS)
    saved = json.loads(settings_path().read_text())
    settings_path().write_text(json.dumps(saved | {name: value}))
    with pytest.raises(ValueError, match=r"\.$"):
        load_settings({})


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_broken_file_is_named_with_its_mend(text: str) -> None:
    save_settings(SETTINGS)
    settings_path().write_text(text)
    with pytest.raises(ValueError, match="settings.json.*connect again"):
        load_settings({})
