"""Settings: each is read from the environment, and a bad one is told in a sentence."""

from pathlib import Path

import pytest

import server
from db.client import Role
from db.sales_order import SalesChannel
from schema.execution.limits import Limits
from web.settings import Settings, settings_of_environment
from web.trouble import Trouble


def told(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Settings:
    for name, value in settings.items():
        monkeypatch.setenv(f"GATEHOUSE_{name}", value)
    return settings_of_environment()


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = told(monkeypatch)
    assert settings.database_file == Path(server.__file__).parent / "data" / "gatehouse.sqlite3"
    assert settings.rules().hold_seconds == 1500


BAD = [
    ("DATABASE_URL", "sqlite:////tmp/x.sqlite3"),
    ("DATABASE_URL", "sqlite+aiosqlite://"),
    ("DATABASE_URL", "postgresql://me:sesame@localhost/gatehouse"),
    ("DATABASE_URL", "postgresql+asyncpg://me:sesame@localhost"),
    ("DATABASE_URL", "postgresql+asyncpg://me:sesame@localhost:here/gatehouse"),
    ("DATABASE_URL", ""),
    ("HOLD_SECONDS", "0"),
    ("HOLD_SECONDS", "soon"),
    ("HOLD_SECONDS_POS", "0"),
    ("SWEEP_SECONDS", "0"),
    ("TIME_ZONE", "Europe"),
    ("TIME_ZONE", "../etc/passwd"),
    ("CURRENCY", "EURO"),
    ("AUTHORIZATION_CODE_PATTERN", "[N*4]-[N*6]"),
    ("AUTHORIZATION_CODE_PATTERN", "1234"),
    ("LINES_PER_REQUEST", "0"),
    ("TICKETS_PER_REQUEST", "0"),
    ("PORT", "65536"),
    ("WORKERS", "0"),
    ("POOL_SIZE", "0"),
    ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"),
    ("MAX_BODY_BYTES", "999"),
    ("MAX_DOCUMENT_TOKENS", "99"),
    ("MAX_DOCUMENT_CHARACTERS", "999"),
    ("MAX_DEPTH", "0"),
    ("MAX_FIELDS", "0"),
    ("MAX_PLAN_FIELDS", "-1"),
    ("MAX_ALIASES", "-1"),
    ("MAX_DIRECTIVES", "-1"),
    ("MAX_COST", "0"),
    ("MAX_LIST_ITEMS", "0"),
    ("OPERATION_SECONDS", "0"),
    ("POINTS_PER_MINUTE", "0"),
    ("OPERATION_SECONDS", "nan"),
    ("REMEMBERED_BYTES", "-1"),
    ("LISTEN_URL", "sqlite+aiosqlite:///x.sqlite3"),
    ("LISTEN_URL", "postgresql://me@localhost/gatehouse"),
    ("MAX_MESSAGE_BYTES", "999"),
    ("OPERATIONS_PER_CONNECTION", "0"),
    ("CONNECTIONS_PER_KEY", "0"),
    ("INIT_SECONDS", "0"),
    ("PING_SECONDS", "inf"),
    ("SEND_SECONDS", "0"),
    ("ENVIRONMENT", "staging"),
    ("ALLOWED_HOSTS", "tickets.example:443"),
    ("ALLOWED_HOSTS", "https://tickets.example"),
    ("ALLOWED_HOSTS", "a*.example"),
    ("INTROSPECTION_ROLES", "ADMIN,EVERYBODY"),
    ("GRAPHIQL", "perhaps"),
    ("CORS_ORIGINS", "*"),
    ("CORS_ORIGINS", "https://shop.example/"),
    ("CORS_ORIGINS", "https://shop.example,shop.example"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_told_in_one_sentence(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which setting, what it should be, and never what it was: an address may hold a password."""
    with pytest.raises(Trouble) as found:
        told(monkeypatch, **{name: value})
    sentence = str(found.value)
    assert sentence.startswith(f"GATEHOUSE_{name}: ")
    assert len(sentence.splitlines()) == 1
    assert "sesame" not in sentence
    assert found.value.exit_code == 2


def test_every_bad_setting_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt name is one of them: it would silently do nothing."""
    with pytest.raises(Trouble) as found:
        told(monkeypatch, PORT="x", CURRENCY="x", HOLD_SECOND="60")
    assert len(str(found.value).splitlines()) == 3
    assert "GATEHOUSE_HOLD_SECOND is no setting; GATEHOUSE_HOLD_SECONDS is." in str(found.value)


@pytest.mark.parametrize(
    "address",
    [
        "sqlite+aiosqlite:////srv/gate house/x.sqlite3",
        "postgresql+asyncpg://me:sesame@db.example:5433/gatehouse",
        "postgresql+asyncpg://postgres:@/postgres?host=%2Fvar%2Frun%2Fpostgresql",
    ],
)
def test_an_address_keeps_what_it_says(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, DATABASE_URL=address).database_url == address


def test_the_smallest_hold_is_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, HOLD_SECONDS="1").rules().hold_seconds == 1


def test_a_channel_may_have_a_hold_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = told(monkeypatch, HOLD_SECONDS="60", HOLD_SECONDS_POS="7").rules()
    assert {channel: rules.hold_of(channel) for channel in SalesChannel} == {
        SalesChannel.POS: 7,
        SalesChannel.WEB_STORE: 60,
        SalesChannel.BACK_OFFICE: 60,
        SalesChannel.IMPORT: 60,
    }


def test_rules_and_limits_are_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = told(
        monkeypatch,
        TIME_ZONE="Europe/Copenhagen",
        CURRENCY="dkk",
        AUTHORIZATION_CODE_PATTERN="[X*10]",
        LINES_PER_REQUEST="1",
        TICKETS_PER_REQUEST="2",
        MAX_BODY_BYTES="1000",
        MAX_DOCUMENT_TOKENS="100",
        MAX_DOCUMENT_CHARACTERS="1000",
        MAX_DEPTH="1",
        MAX_FIELDS="2",
        MAX_PLAN_FIELDS="0",
        MAX_ALIASES="3",
        MAX_DIRECTIVES="4",
        MAX_COST="5",
        MAX_LIST_ITEMS="6",
        OPERATION_SECONDS="0.5",
        OPERATIONS_AT_ONCE="8",
        POINTS_PER_MINUTE="7",
        REMEMBERED_BYTES="1",
        MAX_MESSAGE_BYTES="1000",
        OPERATIONS_PER_CONNECTION="1",
        CONNECTIONS_PER_KEY="2",
        INIT_SECONDS="0.1",
        PING_SECONDS="0.2",
        SEND_SECONDS="0.3",
    )
    rules, limits = settings.rules(), settings.limits()
    assert (rules.time_zone.key, rules.currency, rules.authorization_code_pattern) == (
        "Europe/Copenhagen",
        "DKK",
        "[X*10]",
    )
    assert (rules.lines_per_request, rules.tickets_per_request) == (1, 2)
    assert limits == Limits(
        body_bytes=1000,
        document_characters=1000,
        document_tokens=100,
        depth=1,
        fields=2,
        plan_fields=0,
        aliases=3,
        directives=4,
        cost=5,
        list_items=6,
        operation_seconds=0.5,
        operations_at_once=8,
        points_per_minute=7,
        remembered_bytes=1,
        message_bytes=1000,
        operations_per_connection=1,
        connections_per_key=2,
        init_seconds=0.1,
        ping_seconds=0.2,
        send_seconds=0.3,
    )


def test_names_stand_with_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = ("https://shop.example", "http://localhost:3000")
    assert told(monkeypatch, CORS_ORIGINS=" https://shop.example , http://localhost:3000,").cors_origins == origins
    assert told(monkeypatch, CORS_ORIGINS="").cors_origins == ()


def test_a_list_is_never_cut_shorter_than_a_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a sale with a line too many is answered by a refusal, which says more."""
    settings = told(monkeypatch, MAX_LIST_ITEMS="10", LINES_PER_REQUEST="20", TICKETS_PER_REQUEST="15")
    assert settings.limits().list_items == 20


def test_the_defaults_are_those_of_the_limits() -> None:
    """Which the schema tells to its clients."""
    assert Settings().limits() == Limits()


@pytest.mark.parametrize(
    ("settings", "blamed"),
    [
        ({"HOST": "0.0.0.0"}, ["ALLOWED_HOSTS"]),
        ({"HOST": "::"}, ["ALLOWED_HOSTS"]),
        ({"HOST": "0.0.0.0", "ALLOWED_HOSTS": "tickets.example"}, []),
        ({"HOST": "192.0.2.1"}, []),
        ({"ALLOWED_HOSTS": "tickets.example,*"}, ["ALLOWED_HOSTS"]),
        ({"ALLOWED_HOSTS": "*", "ENVIRONMENT": "development"}, []),
        ({"HOST": "192.0.2.1", "ENVIRONMENT": "Development"}, ["ENVIRONMENT"]),
        ({"CORS_ORIGINS": "https://shop.example,http://localhost:3000"}, []),
        ({"CORS_ORIGINS": "https://shop.example,http://till.example"}, ["CORS_ORIGINS"]),
        ({"HOST": "0.0.0.0", "CORS_ORIGINS": "http://till.example"}, ["ALLOWED_HOSTS", "CORS_ORIGINS"]),
    ],
)
def test_what_is_not_safe_together_is_not_served(
    settings: dict[str, str], blamed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(monkeypatch, **settings).insecurities()
    assert [sentence.partition(":")[0] for sentence in found] == [f"GATEHOUSE_{name}" for name in blamed]


def test_everybody_looks_at_the_schema_in_development_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch).who_may_introspect == {Role.ADMIN, Role.SUPPORT}
    assert told(monkeypatch, ENVIRONMENT="development").who_may_introspect == set(Role)
    assert told(monkeypatch, INTROSPECTION_ROLES="POS, GATE").who_may_introspect == {Role.POS, Role.GATE}
    assert told(monkeypatch, INTROSPECTION_ROLES="").who_may_introspect == set()
