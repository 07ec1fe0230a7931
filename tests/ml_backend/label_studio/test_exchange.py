"""Which Label Studio and which token the exchange uses."""

import pytest
from labelscape.ml_backend.label_studio.exchange import saved_connection
from labelscape.ml_backend.label_studio.settings import ServerSettings, save_settings

from ..label_studio.stand_in import URL


@pytest.fixture
def connections(monkeypatch, tmp_path):
    """The test's own settings, and an environment that sets nothing."""
    monkeypatch.setenv("LABELSCAPE_DIR", str(tmp_path))
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)


SAVED_TOKEN, OTHER_TOKEN = "a" * 40, "b" * 40


def test_nothing_connected_names_the_fix(connections):
    with pytest.raises(ValueError, match="labelscape connect"):
        saved_connection({})


@pytest.mark.parametrize("named", [{}, {"LABEL_STUDIO_URL": f"{URL}/"}])
def test_the_saved_token_goes_to_the_saved_address(connections, named):
    save_settings(ServerSettings(url=URL, token=SAVED_TOKEN))
    studio = saved_connection(named)
    assert (studio.url, studio.headers()) == (URL, {"Authorization": f"Token {SAVED_TOKEN}"})


def test_no_token_goes_to_an_address_that_it_was_not_given_with(connections, monkeypatch):
    other = {"LABEL_STUDIO_URL": "http://other.test"}
    save_settings(ServerSettings(url=URL, token=SAVED_TOKEN))
    with pytest.raises(ValueError, match="There is no token for http://other.test: set both"):
        saved_connection(other)
    monkeypatch.setenv("LABEL_STUDIO_URL", URL)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", OTHER_TOKEN)
    with pytest.raises(ValueError, match="There is no token for http://other.test: set both"):
        saved_connection(other)
    studio = saved_connection({**other, "LABEL_STUDIO_API_KEY": OTHER_TOKEN})
    assert (studio.url, studio.headers()) == ("http://other.test", {"Authorization": f"Token {OTHER_TOKEN}"})
