"""Settings: what an operator decides, and what the floors below are told of it. The only reader of the environment."""

import difflib
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import db.address
import db.money
from db.client import Role
from db.sales_order import SalesChannel
from resolvers.context import Rules
from resolvers.pattern import Pattern
from schema.execution.limits import INTROSPECTION_ROLES, Limits

from .trouble import Trouble

FOLDER = Path(__file__).resolve().parents[1]
DEFAULT_DATABASE = "sqlite+aiosqlite:///data/gatehouse.sqlite3"
PREFIX = "GATEHOUSE_"
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _listed(value: object) -> object:
    return [name for name in (part.strip() for part in value.split(",")) if name] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Several, with commas between them."""

Seconds = Annotated[int, Field(ge=1, le=2_000_000_000)]


class Settings(BaseSettings):
    """What an operator decides, each by an environment variable of that name in capitals behind ``GATEHOUSE_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, validate_default=True)

    database_url: Annotated[str, Field(repr=False)] = DEFAULT_DATABASE
    pool_size: Annotated[int, Field(ge=1, le=1000)] = 10
    environment: Environment = Environment.PRODUCTION
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    allowed_hosts: Names = ()
    cors_origins: Names = ()
    introspection_roles: Annotated[tuple[Role, ...], NoDecode, BeforeValidator(_listed)] | None = None
    graphiql: bool = True
    hold_seconds: Seconds = 1500
    hold_seconds_pos: Seconds | None = None
    hold_seconds_web_store: Seconds | None = None
    hold_seconds_back_office: Seconds | None = None
    hold_seconds_import: Seconds | None = None
    sweep_seconds: Annotated[int, Field(ge=1, le=86_400)] = 10
    time_zone: str = "UTC"
    currency: str = "EUR"
    authorization_code_pattern: str = "[N*4]-[N*4]"
    lines_per_request: Annotated[int, Field(ge=1, le=10_000)] = 100
    tickets_per_request: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_body_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    max_document_characters: Annotated[int, Field(ge=1_000, le=10_000_000)] = 50_000
    max_document_tokens: Annotated[int, Field(ge=100, le=1_000_000)] = 5_000
    max_depth: Annotated[int, Field(ge=1, le=200)] = 20
    max_fields: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    max_plan_fields: Annotated[int, Field(ge=0, le=1_000_000)] = 2_000
    max_aliases: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    max_directives: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    max_cost: Annotated[int, Field(ge=1, le=999_999_999)] = 50_000
    max_list_items: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    operation_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 20
    operations_at_once: Annotated[int, Field(ge=1, le=100_000)] = 200
    points_per_minute: Annotated[int, Field(ge=1, le=999_999_999_999)] = 600_000
    remembered_bytes: Annotated[int, Field(ge=0, le=1_000_000_000)] = 20_000_000
    listen_url: Annotated[str | None, Field(repr=False)] = None
    max_message_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    operations_per_connection: Annotated[int, Field(ge=1, le=10_000)] = 50
    connections_per_key: Annotated[int, Field(ge=1, le=100_000)] = 100
    init_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 10
    ping_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 20
    send_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 30
    log_level: LogLevel = LogLevel.INFO
    log_format: Literal["console", "json"] | None = None

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return db.address.parse(value, FOLDER)

    @field_validator("listen_url")
    @classmethod
    def _listen(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = db.address.parse(value, FOLDER)
        if db.address.file_of(address) is not None:
            raise ValueError("This is for PostgreSQL behind a pooler; a SQLite file is looked at where it is.")
        return address

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("This is no IANA time zone, such as Europe/Copenhagen.") from None

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if value.upper() not in db.money.CURRENCIES:
            raise ValueError("This is no ISO 4217 code of a currency, such as EUR.")
        return value.upper()

    @field_validator("authorization_code_pattern")
    @classmethod
    def _pattern(cls, value: str) -> str:
        Pattern.of_authorization_codes(value)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"https?://[a-z0-9.-]+(:\d{1,5})?", origin) for origin in value):
            raise ValueError("Each is scheme, host and port as a browser tells them, such as https://shop.example.")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]", host) for host in value):
            raise ValueError("Each is the name of a host without its port, such as tickets.example or *.example.")
        return value

    @field_validator("environment", "log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def is_development(self) -> bool:
        """Whether it is only its developers who ask: the schema and hints about it are for every key then."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def who_may_introspect(self) -> frozenset[Role]:
        """Which roles may look at the schema through the server."""
        if self.introspection_roles is not None:
            return frozenset(self.introspection_roles)
        return frozenset(Role) if self.is_development else INTROSPECTION_ROLES

    @property
    def is_reachable(self) -> bool:
        """Whether other machines can connect."""
        return self.host not in LOOPBACK

    @property
    def hosts(self) -> tuple[str, ...]:
        """Under which names the server answers: those that are set, or else this machine's own."""
        itself = () if self.host in ANYWHERE else (f"[{self.host}]" if ":" in self.host else self.host,)
        return self.allowed_hosts or ("localhost", "127.0.0.1", "[::1]", *itself)

    def insecurities(self) -> list[str]:
        """What of these settings, each sound by itself, must not be served together: a sentence for each."""
        found = []
        if self.is_development and self.is_reachable:
            found.append(
                "GATEHOUSE_ENVIRONMENT: development is for this machine alone, and GATEHOUSE_HOST "
                f"{self.host} can be reached from others: listen on 127.0.0.1, or serve as production."
            )
        if self.is_development:
            return found
        if self.host in ANYWHERE and not self.allowed_hosts:
            found.append(
                "GATEHOUSE_ALLOWED_HOSTS: a server that listens on every address must know its names: say which."
            )
        if "*" in self.allowed_hosts:
            found.append("GATEHOUSE_ALLOWED_HOSTS: * is any name, which is for development only: say which names.")
        if any(not is_safe(origin) for origin in self.cors_origins):
            found.append(
                "GATEHOUSE_CORS_ORIGINS: a page that came by http can be changed on its way, and would ask with its "
                "user's key: list https origins only."
            )
        return found

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database."""
        return db.address.file_of(self.database_url)

    @property
    def demo_keys(self) -> Path:
        """Where the keys of the demo data are written: beside the SQLite file, or in ``data/``.

        ``demo-keys.txt`` for ``gatehouse.sqlite3``; else the database's name stands in front, so that the keys of one
        database never take the place of another's.
        """
        file = self.database_file
        if file is None:
            return FOLDER / "data" / f"{db.address.name_of(self.database_url)}-demo-keys.txt"
        prefix = "" if DEFAULT_DATABASE.endswith(f"/{file.name}") else f"{file.stem}-"
        return file.parent / f"{prefix}demo-keys.txt"

    def rules(self) -> Rules:
        """What the resolvers go by."""
        by_channel = {channel: getattr(self, f"hold_seconds_{channel.lower()}") for channel in SalesChannel}
        return Rules(
            hold_seconds=self.hold_seconds,
            hold_seconds_by_channel={channel: seconds for channel, seconds in by_channel.items() if seconds},
            time_zone=ZoneInfo(self.time_zone),
            currency=self.currency,
            authorization_code_pattern=self.authorization_code_pattern,
            lines_per_request=self.lines_per_request,
            tickets_per_request=self.tickets_per_request,
        )

    def limits(self) -> Limits:
        """What one request may ask of the server."""
        return Limits(
            body_bytes=self.max_body_bytes,
            document_characters=self.max_document_characters,
            document_tokens=self.max_document_tokens,
            depth=self.max_depth,
            fields=self.max_fields,
            plan_fields=self.max_plan_fields,
            aliases=self.max_aliases,
            directives=self.max_directives,
            cost=self.max_cost,
            list_items=max(self.max_list_items, self.lines_per_request, self.tickets_per_request),
            operation_seconds=self.operation_seconds,
            operations_at_once=self.operations_at_once,
            points_per_minute=self.points_per_minute,
            introspection_roles=self.who_may_introspect,
            shows_suggestions=self.is_development,
            remembered_bytes=self.remembered_bytes,
            message_bytes=self.max_message_bytes,
            operations_per_connection=self.operations_per_connection,
            connections_per_key=self.connections_per_key,
            init_seconds=self.init_seconds,
            ping_seconds=self.ping_seconds,
            send_seconds=self.send_seconds,
        )


def is_safe(origin: str) -> bool:
    """Whether nobody on the way can change a page of that origin."""
    scheme, _, host = origin.partition("://")
    return scheme == "https" or host.partition(":")[0] in LOOPBACK


def settings_of_environment() -> Settings:
    """The settings as the environment has them. Raises Trouble (exit code 2) with a sentence per bad one.

    A name that is no setting is refused too: a misspelt one would silently do nothing.
    """
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    found = [
        f"{name} is no setting" + (f"; {near[0]} is." if (near := difflib.get_close_matches(name, names, 1)) else ".")
        for name in sorted(os.environ)
        if name.upper().startswith(PREFIX) and name.upper() not in names
    ]
    try:
        settings = Settings()
    except ValidationError as invalid:
        # The value is not repeated: an address may hold a password.
        found += [
            f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg'].removeprefix('Value error, ').rstrip('.')}."
            for error in invalid.errors(include_url=False, include_input=False)
        ]
    if found:
        raise Trouble("\n".join(found), exit_code=2)
    return settings


def settings_for_serving(host: str | None, port: int | None, workers: int | None) -> Settings:
    """The settings, or what the command line says instead. Raises Trouble (exit code 2) if they are not safe together.

    What the command line says goes into the environment, where further processes of this server find it.
    """
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[PREFIX + name] = str(value)
    settings = settings_of_environment()
    if found := settings.insecurities():
        raise Trouble("\n".join(found), exit_code=2)
    return settings
