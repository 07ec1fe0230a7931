"""`labelscape doctor` names what is wrong and how to fix it."""

import os
from pathlib import Path
from typing import Any

import pytest
from labelscape.cli import doctor

from .conftest import PLUGIN, type_in


def test_doctor_says_how_to_install_a_missing_plugin_and_fails(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", [doctor.check_plugin])
    result = type_in("doctor")
    assert result.exit_code == 1
    assert "✗ plugin" in result.output
    assert "labelscape install-plugin" in result.output


def test_doctor_finds_the_linked_plugin(plugins: Path) -> None:
    type_in("install-plugin")
    assert "a link to this repository" in doctor.check_plugin().found


def test_doctor_reports_a_disabled_plugin(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone.plugins as fop

    type_in("install-plugin")
    monkeypatch.setattr(fop, "list_disabled_plugins", lambda: [PLUGIN])
    assert doctor.check_plugin().fix == f"`fiftyone plugins enable {PLUGIN}`"


def test_doctor_says_why_a_plugin_does_not_load(plugins: Path) -> None:
    (plugins / "broken").mkdir(parents=True)
    (plugins / "broken" / "fiftyone.yml").write_text(f'name: "{PLUGIN}"\njs_bundle: fiftyone.yml\n')
    (plugins / "broken" / "__init__.py").write_text("import a_missing_package\n")
    finding = doctor.check_plugin()
    assert "No module named 'a_missing_package'" in finding.found
    assert "plugins requirements" in (finding.fix or "")


@pytest.mark.parametrize("url", [None, "https://hub.example", "https://hub.example/"])
def test_doctor_has_no_advice_on_a_proxy_without_a_path(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo

    monkeypatch.setattr(fo.app_config, "proxy_url", url)
    assert doctor.check_proxy().fix is None


def test_doctor_says_which_address_a_proxy_with_a_path_must_send_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo

    monkeypatch.setattr(fo.app_config, "proxy_url", "https://hub.example/hub/app/")
    finding = doctor.check_proxy()
    assert "/hub/app/hub/app/plugins" in (finding.fix or "")
    assert not finding.essential


def test_doctor_reaches_mongodb() -> None:
    finding = doctor.check_mongodb()
    assert finding.fix is None
    assert finding.found[0].isdigit()


def test_doctor_notices_within_seconds_that_mongodb_does_not_answer(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fiftyone as fo
    import pymongo

    monkeypatch.setattr(fo.config, "database_uri", f"mongodb://127.0.0.1:{closed_port}")
    addresses: list[Any] = []
    connect = pymongo.MongoClient
    monkeypatch.setattr(
        pymongo, "MongoClient", lambda *args, **options: addresses.append(options) or connect(*args, **options)
    )
    finding = doctor.check_mongodb()
    assert "no answer" in finding.found
    assert "start it" in (finding.fix or "")
    assert addresses[0]["serverSelectionTimeoutMS"] <= 5000  # PyMongo's own is 30 s


def test_doctor_reports_if_there_is_no_mongod_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo
    import fiftyone.constants as foc

    monkeypatch.setattr(fo.config, "database_uri", None)
    monkeypatch.setattr(foc, "FIFTYONE_DB_BIN_DIR", str(tmp_path))
    finding = doctor.check_mongodb()
    assert finding.fix == doctor.INSTALL_MONGODB


def test_torch_and_torchvision_are_of_one_build() -> None:
    finding = doctor.check_torch()
    assert finding.fix is None
    assert "torchvision" in finding.found


def test_doctor_warns_of_vectors_that_a_reboot_deletes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import fiftyone.brain as fob

    backend = fob.brain_config.similarity_backends["lancedb"]
    monkeypatch.setitem(backend, "uri", "/tmp/lancedb")
    assert "reboot" in doctor.check_vectors().found
    monkeypatch.setitem(backend, "uri", "/var/lib/vectors")
    assert doctor.check_vectors().fix is None


def test_doctor_names_the_folder_of_the_vectors_and_what_decided_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import fiftyone.brain as fob

    # as FiftyOne starts where an earlier run wrote this folder into its configuration
    folder = str(Path(os.environ["LABELSCAPE_DIR"]) / "lancedb")
    monkeypatch.setitem(fob.brain_config.similarity_backends["lancedb"], "uri", folder)
    finding = doctor.check_vectors()
    assert os.environ["LABELSCAPE_DIR"] in finding.found
    assert "decided by the environment variable LABELSCAPE_DIR" in finding.found


def test_doctor_says_that_the_folder_of_the_vectors_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import fiftyone.brain as fob

    monkeypatch.setitem(fob.brain_config.similarity_backends["lancedb"], "uri", None)
    (tmp_path / "lancedb").write_text("a file")
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    assert "is a file, not a folder" in (doctor.check_vectors().fix or "")


def test_an_unreachable_hub_is_reported_but_is_no_failure(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "HUBS", (f"http://127.0.0.1:{closed_port}",))
    assert doctor.report([doctor.check_hub()]) == 0
    assert "– model hubs" in capsys.readouterr().out
