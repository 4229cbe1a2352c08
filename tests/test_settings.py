import os
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from operator import attrgetter
from pathlib import Path
from unittest.mock import patch

import pytest

from bridge import settings
from bridge.errors import ConfigError
from bridge.settings import DAY, Settings, ToSegment, ToVoucherify, mapping_file, unknown
from bridge.write_keys import WriteKey

GIVEN = {"SEGMENT_WRITE_KEY": "the-write-key", "VOUCHERIFY_WEBHOOK_SECRET": "the-secret"}
KEYS = {"VOUCHERIFY_APP_ID": "the-app-id", "VOUCHERIFY_SECRET_KEY": "the-secret-key"}


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use an empty environment, and an empty directory without ``.env``."""
    monkeypatch.chdir(tmp_path)
    with patch.dict(os.environ, clear=True):
        yield


TO_SEGMENT = ToSegment("the-write-key", "https://api.segment.io", gzip=False, webhook_secrets=("the-secret",))
TO_VOUCHERIFY = ToVoucherify("the-app-id", "the-secret-key", rate_limit=None)


def read(**variables: str) -> Settings:
    os.environ.update(variables)
    return Settings.from_env()


def problems(**variables: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as refused:
        read(**variables)
    return refused.value.problems


def test_two_variables_are_enough_and_the_rest_has_its_default() -> None:
    assert read(**GIVEN) == Settings(
        to_segment=TO_SEGMENT,
        to_voucherify=None,
        voucherify_url="https://api.voucherify.io",
        database_url="sqlite:///bridge.db",
        embedded_worker=True,
        max_body_bytes=1_048_576,
        max_age=7 * DAY,
    )


def test_each_direction_is_on_when_all_of_it_is_set() -> None:
    alone = read(**KEYS)
    assert (alone.to_segment, alone.to_voucherify) == (None, TO_VOUCHERIFY)
    both = read(**GIVEN)
    assert (both.to_segment, both.to_voucherify) == (TO_SEGMENT, TO_VOUCHERIFY)


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("SEGMENT_REGION", "us", "to_segment.host", "https://api.segment.io"),
        ("SEGMENT_REGION", "eu", "to_segment.host", "https://events.eu1.segmentapis.com"),
        ("SEGMENT_HOST", "https://segment.example.com", "to_segment.host", "https://segment.example.com"),
        ("SEGMENT_HOST", "http://127.0.0.1:8001/", "to_segment.host", "http://127.0.0.1:8001"),
        ("SEGMENT_HOST", "http://localhost:8001", "to_segment.host", "http://localhost:8001"),
        ("SEGMENT_GZIP", "true", "to_segment.gzip", True),
        ("VOUCHERIFY_WEBHOOK_SECRET", "old, new", "to_segment.webhook_secrets", ("old", "new")),
        ("VOUCHERIFY_WEBHOOK_SECRET", ",new,", "to_segment.webhook_secrets", ("new",)),
        ("VOUCHERIFY_API_URL", "https://us1.api.voucherify.io/", "voucherify_url", "https://us1.api.voucherify.io"),
        ("VOUCHERIFY_APP_ID", " spaced ", "to_voucherify.app_id", "spaced"),
        ("VOUCHERIFY_SECRET_KEY", " spaced ", "to_voucherify.secret_key", "spaced"),
        ("VOUCHERIFY_RATE_LIMIT", "100", "to_voucherify.rate_limit", 100.0),
        ("VOUCHERIFY_RATE_LIMIT", "1.5", "to_voucherify.rate_limit", 1.5),
        ("BRIDGE_WRITE_KEYS", "one, two,", "to_voucherify.write_keys", (WriteKey("one"), WriteKey("two"))),
        ("SEGMENT_WEBHOOK_SECRET", "old, new", "to_voucherify.event_secrets", ("old", "new")),
        ("BRIDGE_MAPPINGS", "/etc/mappings.json", "to_voucherify.mappings", Path("/etc/mappings.json")),
        ("BRIDGE_MAPPINGS", " ", "to_voucherify.mappings", None),
        ("BRIDGE_RUN_DIR", "/run/bridge", "run_dir", Path("/run/bridge")),
        ("BRIDGE_RUN_DIR", " ", "run_dir", None),
        ("BRIDGE_DATABASE_URL", "sqlite:////data/bridge.db", "database_url", "sqlite:////data/bridge.db"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:p@h/n", "database_url", "postgresql://u:p@h/n"),
        ("BRIDGE_DATABASE_URL", "postgres://u:p@h/n", "database_url", "postgresql://u:p@h/n"),
        ("BRIDGE_DATABASE_URL", "POSTGRES://h/n", "database_url", "postgresql://h/n"),
        ("BRIDGE_DATABASE_URL", "postgresql+psycopg2://u:p%40@h/n", "database_url", "postgresql://u:p%40@h/n"),
        ("BRIDGE_DATABASE_URL", " postgresql://h/n ", "database_url", "postgresql://h/n"),
        ("BRIDGE_DATABASE_URL", "postgresql+psycopg://h/n", "database_url", "postgresql://h/n"),
        ("BRIDGE_WORKER", "embedded", "embedded_worker", True),
        ("BRIDGE_WORKER", "external", "embedded_worker", False),
        ("BRIDGE_MAX_BODY_BYTES", "2048", "max_body_bytes", 2_048),
        ("BRIDGE_MAX_AGE_DAYS", "0.5", "max_age", 0.5 * DAY),
        ("BRIDGE_TRUSTED_HOSTS", "", "trusted_hosts", ()),
        ("BRIDGE_TRUSTED_HOSTS", "b.example.com, .internal,", "trusted_hosts", ("b.example.com", ".internal")),
    ],
)
def test_every_variable_is_read(name: str, text: str, attribute: str, value: object) -> None:
    assert attrgetter(attribute)(read(**{**GIVEN, **KEYS, name: text})) == value


@pytest.mark.parametrize(
    ("given", "api"),
    [
        ("https://segmentio.voucherify.io", "https://api.voucherify.io"),
        ("https://us1.segmentio.voucherify.io", "https://us1.api.voucherify.io"),
        ("https://as1.segmentio.voucherify.io/", "https://as1.api.voucherify.io"),
        ("https://us1.api.voucherify.io", "https://us1.api.voucherify.io"),
        ("https://shop.segmentio.example.com:8443/base", "https://shop.api.example.com:8443/base"),
        ("https://my-segmentio-proxy.example.com", "https://my-segmentio-proxy.example.com"),
        ("https://api.example.com/segmentio", "https://api.example.com/segmentio"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
    ],
)
def test_the_api_may_be_given_in_the_form_of_the_custom_url(given: str, api: str) -> None:
    assert read(**KEYS, VOUCHERIFY_API_URL=given).voucherify_url == api


@pytest.mark.parametrize(
    "given",
    [
        "https://gateway.example.com",
        "https://gateway.example.com/v1",
        "https://gateway.example.com/v1/",
        "https://gateway.example.com//v1//",
        "https://gateway.example.com///",
        "https://gateway.example.com/v1/batch",
        " https://gateway.example.com/v1 ",
        "HTTPS://Gateway.example.com/V1/",
    ],
)
def test_an_address_may_end_in_what_the_bridge_adds_to_it(given: str) -> None:
    settings = read(**GIVEN, **KEYS, VOUCHERIFY_API_URL=given, SEGMENT_HOST=given)
    assert settings.to_segment is not None
    assert {settings.voucherify_url, settings.to_segment.host} == {"https://gateway.example.com"}


def test_a_path_before_the_version_is_kept() -> None:
    assert read(**KEYS, VOUCHERIFY_API_URL="https://h.example.com/v10/").voucherify_url == "https://h.example.com/v10"
    assert read(VOUCHERIFY_API_URL="https://h.example.com/base/v1").voucherify_url == "https://h.example.com/base"


def test_a_host_beats_a_region() -> None:
    settings = read(**GIVEN, SEGMENT_REGION="eu", SEGMENT_HOST="https://segment.example.com")
    assert settings.to_segment is not None
    assert settings.to_segment.host == "https://segment.example.com"


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("SEGMENT_REGION", "asia", "us or eu"),
        ("SEGMENT_REGION", "", "us or eu"),
        ("SEGMENT_HOST", "segment", "https://"),
        ("SEGMENT_HOST", "ftp://segment.example.com", "https://"),
        ("SEGMENT_HOST", "https://segment.example.com?region=eu", "query"),
        ("SEGMENT_HOST", "https://write-key@segment.example.com", "user"),
        ("SEGMENT_GZIP", "perhaps", "boolean"),
        ("VOUCHERIFY_API_URL", "api.voucherify.io", "https://"),
        ("VOUCHERIFY_API_URL", "ftp://api.voucherify.io", "https://"),
        ("VOUCHERIFY_API_URL", "https://api.voucherify.io/#v1", "fragment"),
        ("VOUCHERIFY_API_URL", "https://app:hunter2@api.voucherify.io", "password"),
        ("VOUCHERIFY_API_URL", "https://api.voucherify.io:99999", "https://"),
        ("VOUCHERIFY_API_URL", "http://[::1", "https://"),
        ("VOUCHERIFY_API_URL", '"https://api.voucherify.io"', "https://"),
        ("VOUCHERIFY_RATE_LIMIT", "many", "number"),
        ("VOUCHERIFY_RATE_LIMIT", "0", "above 0"),
        ("VOUCHERIFY_RATE_LIMIT", "-100", "above 0"),
        ("VOUCHERIFY_RATE_LIMIT", "nan", "not permitted"),
        ("BRIDGE_DATABASE_URL", "bridge.db", "sqlite:///bridge.db"),
        ("BRIDGE_DATABASE_URL", "mysql://u:hunter2@h/n", "postgresql://"),
        ("BRIDGE_DATABASE_URL", "nosuch://h/n", "postgresql://"),
        ("BRIDGE_DATABASE_URL", "jdbc:postgresql://h/n", "postgresql://"),
        ("BRIDGE_DATABASE_URL", "postgresql+asyncpg://u:hunter2@h/n", "write postgresql://… instead"),
        ("BRIDGE_DATABASE_URL", "sqlite+aiosqlite:///bridge.db", "write sqlite://… instead"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:hunter2@h/n?ssl=true", "write sslmode=require"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:hunter2@h/n?sslmod=require", "is sslmode meant?"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:hunter2@h/n?pgbouncer=true&schema=public", "options="),
        ("BRIDGE_DATABASE_URL", "postgresql://u:hunter2@h/n?supa=base-pooler.x", "leave it out"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:p@hunter2@h/n", "%40"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:p@x?hunter2=1@h/n", "%40"),
        ("BRIDGE_DATABASE_URL", "postgresql://u:p@x/hunter2@h/n", "%40"),
        ("SEGMENT_HOST", "https://u:hunter2@segment.example", "user or a password"),
        ("VOUCHERIFY_API_URL", "https://u:hunter2@h", "user or a password"),
        ("BRIDGE_DATABASE_URL", "sqlite:///bridge.db?timeout=30", "no parameters"),
        ("BRIDGE_DATABASE_URL", "sqlite://", "must name a file"),
        ("BRIDGE_DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("BRIDGE_WORKER", "none", "embedded or external"),
        ("BRIDGE_MAX_BODY_BYTES", "much", "integer"),
        ("BRIDGE_MAX_BODY_BYTES", "0", "above 0"),
        ("BRIDGE_MAX_BODY_BYTES", "-1", "above 0"),
        ("BRIDGE_MAX_AGE_DAYS", "0", "above 0"),
        ("BRIDGE_MAX_AGE_DAYS", "nan", "not permitted"),
        ("BRIDGE_MAX_AGE_DAYS", "inf", "not permitted"),
        ("BRIDGE_MAX_AGE_DAYS", "a week", "number"),
        ("BRIDGE_TRUSTED_HOSTS", "https://bridge.example.com", "without scheme"),
        ("BRIDGE_TRUSTED_HOSTS", "ok.example,bridge.example.com:443", "without scheme and port"),
        ("BRIDGE_TRUSTED_HOSTS", "*", "bridge.example.com"),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_be_right(name: str, text: str, right: str) -> None:
    found = problems(**{**GIVEN, name: text})
    assert found.keys() == {name}
    assert right in found[name]
    assert "hunter2" not in found[name]


def test_all_mistakes_are_reported_at_once() -> None:
    wrong = {
        "SEGMENT_REGION": "asia",
        "SEGMENT_HOST": "segment",
        "BRIDGE_DATABASE_URL": "bridge.db",
        "BRIDGE_WORKER": "none",
        "BRIDGE_MAX_BODY_BYTES": "much",
        "BRIDGE_MAX_AGE_DAYS": "-1",
    }
    with pytest.raises(ConfigError) as refused:
        read(**wrong)
    assert refused.value.problems.keys() == wrong.keys() | GIVEN.keys()
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == sorted(wrong.keys() | GIVEN.keys())


def test_nothing_set_refuses_to_start() -> None:
    assert problems().keys() == GIVEN.keys()


@pytest.mark.parametrize("direction", [GIVEN, KEYS], ids=["to Segment", "to Voucherify"])
@pytest.mark.parametrize("of_two", [0, 1], ids=["the first", "the second"])
@pytest.mark.parametrize("text", [None, "", " ", " , "], ids=["not set", "empty", "a space", "a comma"])
def test_half_set_refuses_to_start(direction: dict[str, str], of_two: int, text: str | None) -> None:
    missing = list(direction)[of_two]
    variables = {name: given for name, given in direction.items() if name != missing}
    found = problems(**variables, **({} if text is None else {missing: text}))
    assert found.keys() == {missing}
    assert "needed" in found[missing]


def test_half_of_one_direction_beside_the_whole_other_refuses_to_start() -> None:
    assert problems(**GIVEN, VOUCHERIFY_APP_ID="the-app-id").keys() == {"VOUCHERIFY_SECRET_KEY"}
    os.environ.clear()
    assert problems(**KEYS, VOUCHERIFY_WEBHOOK_SECRET="the-secret").keys() == {"SEGMENT_WRITE_KEY"}


@pytest.mark.parametrize("name", ["BRIDGE_WRITE_KEYS", "SEGMENT_WEBHOOK_SECRET", "BRIDGE_MAPPINGS"])
def test_what_raw_events_need_is_a_mistake_without_the_direction_that_they_go_in(name: str) -> None:
    assert problems(**{name: "x"}).keys() == KEYS.keys()
    assert problems(**GIVEN, **{name: "x"}).keys() == KEYS.keys()
    assert read(**KEYS, **{name: "x"}).to_voucherify is not None


def test_a_file_is_looked_for_where_the_process_was_started(tmp_path: Path) -> None:
    read(**KEYS, BRIDGE_MAPPINGS="mappings.toml")
    assert mapping_file() == tmp_path / "mappings.toml"


def test_half_of_both_directions_names_what_each_lacks() -> None:
    lacking = problems(SEGMENT_WRITE_KEY="the-write-key", VOUCHERIFY_SECRET_KEY="the-secret-key")
    assert lacking.keys() == {"VOUCHERIFY_WEBHOOK_SECRET", "VOUCHERIFY_APP_ID"}


def test_what_the_environment_lacks_is_read_from_dot_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SEGMENT_WRITE_KEY=from-file\nVOUCHERIFY_WEBHOOK_SECRET='from file'\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    settings = read(SEGMENT_WRITE_KEY="from-environment")
    assert settings.to_segment is not None
    assert (settings.to_segment.write_key, settings.to_segment.webhook_secrets) == ("from-environment", ("from file",))


def test_settings_are_frozen_and_tell_no_secret() -> None:
    settings = read(**GIVEN, **KEYS, BRIDGE_DATABASE_URL="postgresql://user:hunter2@host/name")
    for part, name in ((settings, "max_age"), (settings.to_segment, "host"), (settings.to_voucherify, "app_id")):
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, "another")
    for secret in (*GIVEN.values(), *KEYS.values(), "hunter2"):
        assert secret not in repr(settings)


def test_no_report_repeats_a_secret() -> None:
    with pytest.raises(ConfigError) as refused:
        read(
            VOUCHERIFY_WEBHOOK_SECRET="the-secret",
            VOUCHERIFY_SECRET_KEY="the-secret-key",
            BRIDGE_DATABASE_URL="mysql://user:hunter2@host/name",
        )
    assert "the-secret" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("postgres://u:p%40ss@h:6543/n?pgbouncer=true", "postgresql://u:p%40ss@h:6543/n"),
        ("postgresql+psycopg2://u:p@h/n?sslmode=require&pgbouncer=true", "postgresql://u:p@h/n?sslmode=require"),
        (
            "postgresql:///n?host=/run/pg&options=-csearch_path%3Dx",
            "postgresql:///n?host=/run/pg&options=-csearch_path%3Dx",
        ),
    ],
)
def test_parameters_of_a_database_that_are_understood(given: str, understood: str) -> None:
    assert read(**GIVEN, BRIDGE_DATABASE_URL=given).database_url == understood


def test_one_table_names_all_settings() -> None:
    env = settings._environment()
    settings._read(env, set())
    assert env.dump().keys() == settings.VARIABLES


@pytest.mark.parametrize("in_file", [True, False], ids=[".env", "environment"])
def test_a_wrong_value_is_not_an_unknown_name(
    *, in_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"BRIDGE_WORKER": "none", "BRIDGE_LOG_LEVL": "info"}
    if in_file:
        (tmp_path / ".env").write_text("".join(f"{name}={text}\n" for name, text in names.items()))
    else:
        for name, text in names.items():
            monkeypatch.setenv(name, text)
    assert unknown() == {"BRIDGE_LOG_LEVL": "BRIDGE_LOG_LEVEL"}


def test_in_dot_env_misspelt_beginnings_are_found(tmp_path: Path) -> None:
    lines = ["VOUCHERFY_APP_ID=x", "voucherify_secret_key=x", "BRIGDE_WORKER=external", "PORT=80", "COMPOSE_PROJECT=x"]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert unknown() == {
        "VOUCHERFY_APP_ID": "VOUCHERIFY_APP_ID",
        "voucherify_secret_key": "VOUCHERIFY_SECRET_KEY",
        "BRIGDE_WORKER": "BRIDGE_WORKER",
    }
