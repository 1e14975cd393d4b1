"""The support staff's GraphiQL page: its routes, its ready-made questions, and a person's way through it."""

import asyncio
import hashlib
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, get_variable_values, parse, validate
from playwright.async_api import Page, Route, async_playwright, expect
from starlette.applications import Starlette

from web.pages import GRAPHIQL, routes

ROOT = Path(__file__).parents[2]
TABS = GRAPHIQL / "tabs"
VENDOR = GRAPHIQL / "vendor"
QUESTIONS: list[dict[str, Any]] = json.loads((TABS / "tabs.json").read_text(encoding="utf-8"))
WATCHED = [question for question in QUESTIONS if question["title"] == "What happens now"]
"""Those that go on until they are stopped."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'none'"
)
A_YEAR = "public, max-age=31536000, immutable"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


class Served(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def keys(self) -> dict[str, str]: ...


# ------------------------------------------------------------------------------------------------ routes


@pytest.fixture
async def site() -> AsyncIterator[httpx.AsyncClient]:
    """The pages' routes alone, without the rest of the server."""
    transport = httpx.ASGITransport(app=Starlette(routes=routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://gatehouse") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "cache_control"),
    [
        ("/graphiql", "no-cache"),
        ("/graphiql/assets/app.js", "no-cache"),
        ("/graphiql/assets/tabs/tabs.json", "no-cache"),
        ("/graphiql/assets/vendor/README.md", "no-cache"),
        ("/graphiql/assets/vendor/react-18.3.1/react.production.min.js", A_YEAR),
    ],
)
async def test_every_file_is_closed_off_and_only_vendor_files_are_kept(
    site: httpx.AsyncClient, path: str, cache_control: str
) -> None:
    """Our own files must follow a deployment at once; a vendor file's folder names its version."""
    response = await site.get(path)
    assert response.status_code == 200
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.headers["cache-control"] == cache_control


async def test_the_page_is_html_and_every_file_it_names_is_there(site: httpx.AsyncClient) -> None:
    """The addresses are relative to the page, so that it works under any root path."""
    page = await site.get("/graphiql")
    assert page.headers["content-type"].startswith("text/html")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert named
    for address in named:
        assert not address.startswith("/")
        assert ":" not in address
        assert (await site.get(f"/{address}")).status_code == 200


async def test_a_file_that_did_not_change_is_not_sent_twice(site: httpx.AsyncClient) -> None:
    first = await site.get("/graphiql")
    again = await site.get("/graphiql", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


async def test_the_page_is_only_read(site: httpx.AsyncClient) -> None:
    assert (await site.post("/graphiql")).status_code == 405
    assert (await site.get("/graphiql/assets/../pages.py")).status_code == 404
    assert (await site.get("/graphiql/assets/%2e%2e/pages.py")).status_code == 404


def test_vendor_files_are_those_that_the_list_names() -> None:
    """Taken unchanged, and nothing beside them: the list of sums is what a reviewer compares with the packages."""
    listed = dict(
        re.findall(
            r"^\| .+? \| .+? \| (\S+).*? \| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.MULTILINE
        )
    )
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert listed == found


# --------------------------------------------------------------------------------------------- questions


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """The schema as it is checked in, which another test holds against the server's."""
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


def test_every_question_is_listed_once() -> None:
    files = [question["file"] for question in QUESTIONS]
    assert sorted(files) == sorted(path.name for path in TABS.glob("*.graphql"))
    titles = [question["title"] for question in QUESTIONS]
    assert len(set(titles)) == len(titles)
    assert titles[:2] == ["Any scrap", "By order number"]
    assert len(titles) == 13


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["title"])
def test_a_question_can_be_asked_as_it_stands(schema: GraphQLSchema, question: dict[str, Any]) -> None:
    """The document is valid, its values fit its variables, and it begins by telling the reader what to look at."""
    text = (TABS / question["file"]).read_text(encoding="utf-8")
    document = parse(text)
    assert validate(schema, document) == []
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.operation.value == ("subscription" if question in WATCHED else "query")
    definitions = operation.variable_definitions or ()
    variables = get_variable_values(schema, definitions, question["variables"])
    assert not isinstance(variables, list), variables
    assert set(question["variables"]) <= {definition.variable.name.value for definition in definitions}
    assert text.startswith(f"# {question['title'].upper()}\n")
    assert question["description"]


# ----------------------------------------------------------------------------------------------- browser


PATIENCE_MILLISECONDS = 90_000
"""How long an answer may take to be shown on a machine that has other things to do."""


@dataclass
class Browsed:
    """A browser page at /graphiql, with all that it complained about and all that it asked for."""

    page: Page
    faults: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    async def use_key(self, key: str) -> None:
        await self.page.get_by_label("API key").fill(key)
        await self.page.get_by_role("button", name="Use key").click()

    async def open_question(self, title: str) -> None:
        await self.page.get_by_role("navigation").get_by_role("button", name=title, exact=True).click()

    async def ask(self) -> None:
        await self.page.get_by_label("Execute query").click()

    async def answer(self) -> Any:
        """The answer shown, once there is one."""
        shown = "() => document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue()"
        handle = await self.page.wait_for_function(shown, timeout=PATIENCE_MILLISECONDS)
        return json.loads(await handle.json_value())

    async def is_shown(self, text: str) -> bool:
        """Whether the answer that is shown now has this text."""
        shown = "() => document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue() ?? ''"
        return text in await self.page.evaluate(shown)

    async def local_storage(self) -> dict[str, str]:
        stored: dict[str, str] = await self.page.evaluate("() => ({...localStorage})")
        return stored


@pytest.fixture
def chromium() -> str:
    """The browser's path; without one these tests are skipped, but not in CI, where nobody would notice."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    reason = "The browser tests need Chromium: install the Debian package chromium."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
async def browsed(chromium: str, served: Served) -> AsyncIterator[Browsed]:
    """The page in a browser of its own, loaded from the running server; no key entered yet."""
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=switches)
        try:
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            browsed = Browsed(page)
            page.on("pageerror", lambda error: browsed.faults.append(str(error)))
            page.on("console", lambda message: browsed.faults.append(message.text) if message.type == "error" else None)
            page.on("request", lambda request: browsed.addresses.append(request.url))
            await page.goto(f"{served.url}/graphiql")
            await expect(page.get_by_label("Execute query")).to_be_visible()
            yield browsed
        finally:
            await browser.close()


async def test_the_page_loads_without_a_fault_and_from_here_alone(browsed: Browsed, served: Served) -> None:
    """Also with the schema and the explorer open. What the content security policy stops is a console error."""
    page = browsed.page
    await browsed.use_key(served.keys["SUPPORT"])
    await expect(page.get_by_role("status")).to_contain_text("SUPPORT")
    await page.get_by_label("Show GraphiQL Explorer").click()
    await expect(page.locator(".graphiql-explorer-root").get_by_text("ticketRequests", exact=True)).to_be_visible()
    assert browsed.faults == []
    assert [url for url in browsed.addresses if not url.startswith((f"{served.url}/", "data:"))] == []


async def test_a_key_and_one_click_show_the_newest_requests(browsed: Browsed, served: Served) -> None:
    await browsed.use_key(served.keys["SUPPORT"])
    await browsed.open_question("Newest requests")
    await browsed.ask()
    answer = await browsed.answer()
    assert "errors" not in answer
    nodes = answer["data"]["ticketRequests"]["nodes"]
    assert 1 <= len(nodes) <= 20
    assert [one["createdAt"] for one in nodes] == sorted((one["createdAt"] for one in nodes), reverse=True)
    assert all(one["references"] for one in nodes)
    await expect(browsed.page.get_by_role("alert")).to_be_hidden()


async def test_every_question_is_answered_without_an_error(browsed: Browsed, served: Served) -> None:
    """As they stand, one by one, within the server's limits; and of the demo's guests some are found."""
    await browsed.use_key(served.keys["SUPPORT"])
    await browsed.page.get_by_label("open in the current tab").check()
    for question in QUESTIONS:
        if question in WATCHED:
            continue
        await browsed.open_question(question["title"])
        await browsed.ask()
        answer = await browsed.answer()
        assert "errors" not in answer, question["title"]
        if shown := FOUND_IN_THE_DEMO.get(question["title"]):
            assert shown(answer["data"]), question["title"]
    assert browsed.faults == []


FOUND_IN_THE_DEMO: dict[str, Callable[[Any], Any]] = {
    "Any scrap": lambda data: [hit["node"]["status"] for hit in data["find"]["hits"]] == ["CONFIRMED"],
    "Why does the gate say no": lambda data: [
        check["refusal"]["code"] for check in data["explainAdmission"]["checks"] if not check["isPassed"]
    ][:1],
    "Refused scans": lambda data: all(event["refusal"]["code"] for event in data["requestEvents"]["nodes"]),
    "Room in a slot": lambda data: data["admission"]["slots"]["nodes"][0]["capacity"],
    "Expired requests": lambda data: any(
        (request["salesOrder"] or {}).get("documentStatus") == "Paid" for request in data["ticketRequests"]["nodes"]
    ),
    "The day in numbers": lambda data: data["roleCenter"]["admissions"],
}
"""Of some questions, what the demo data must answer: its broken cases are what people practise on."""


async def test_what_happens_is_shown_while_it_happens(browsed: Browsed, served: Served) -> None:
    """The newest on top, those before it below, until it is stopped; then nothing is told any more."""
    page = browsed.page
    await browsed.use_key(served.keys["SUPPORT"])
    await browsed.open_question("What happens now")
    await page.get_by_label("Execute query").click()
    await expect(page.get_by_label("Stop query")).to_be_visible()
    shown = page.locator(".result-window .CodeMirror-code")
    async with httpx.AsyncClient(base_url=served.url) as gate:
        gate.headers["Authorization"] = f"Bearer {served.keys['GATE']}"

        async def scan(number: str) -> None:
            query = 'mutation ($n: String!) { ticketAdmit(input: {scanned: $n, gate: "Gate 1"}) { verdict } }'
            answer = await gate.post("/graphql", json={"query": query, "variables": {"n": number}})
            assert answer.json()["data"]["ticketAdmit"]["verdict"] == "REFUSED"

        for attempt in range(20):  # what happens before it listens is not for it to tell
            await scan(f"FIRST-{attempt}")
            await page.wait_for_timeout(250)
            if await browsed.is_shown("FIRST"):
                break
        await scan("SECOND")
        await expect(shown).to_contain_text("SECOND", timeout=PATIENCE_MILLISECONDS)
        answer = await browsed.answer()
        assert answer["data"]["requestEvents"]["refusal"]["code"] == "TICKET_UNKNOWN"
        assert answer["earlier"][0]["requestEvents"]["scanned"].startswith("FIRST")
        await page.get_by_label("Stop query").click()
        await expect(page.get_by_label("Execute query")).to_be_visible()
        await scan("THIRD")
        await page.wait_for_timeout(500)
        assert not await browsed.is_shown("THIRD")
    assert browsed.faults == []


async def test_asking_without_a_key_says_what_to_do(browsed: Browsed) -> None:
    notice = browsed.page.get_by_role("alert")
    await expect(notice).to_contain_text("Enter your key")
    await browsed.ask()
    answer = await browsed.answer()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert answer.get("data") is None
    await expect(notice).to_contain_text("Enter your key")


async def test_a_refused_key_is_said_to_be_refused_until_another_one_is_used(browsed: Browsed, served: Served) -> None:
    notice = browsed.page.get_by_role("alert")
    await browsed.use_key("gh_nobody")
    await expect(notice).to_contain_text("does not accept this API key")
    await browsed.use_key(served.keys["SUPPORT"])
    await expect(browsed.page.get_by_role("status")).to_contain_text("SUPPORT")
    await expect(notice).to_be_hidden()


async def test_a_key_is_used_before_the_questions_are_there(browsed: Browsed, served: Served) -> None:
    is_used = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_used.wait()
        await route.continue_()

    await browsed.page.route("**/tabs.json", hold)
    await browsed.page.reload()
    await browsed.use_key(served.keys["SUPPORT"])
    is_used.set()
    await expect(browsed.page.get_by_role("status")).to_contain_text("SUPPORT")
    assert browsed.faults == []


async def test_the_key_stays_in_this_browser_tab_alone(browsed: Browsed, served: Served) -> None:
    """It survives a reload, is never written to the machine, and is gone after signing out, with what was asked."""
    key = served.keys["SUPPORT"]
    page = browsed.page
    await browsed.use_key(key)
    await browsed.open_question("By e-mail")
    await browsed.ask()
    await browsed.answer()
    await page.reload()
    await expect(page.get_by_role("status")).to_contain_text("SUPPORT")
    assert await browsed.local_storage() == {}
    assert await page.context.cookies() == []
    async with page.expect_navigation():
        await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter your key")
    await expect(page.get_by_label("API key")).to_have_value("")
    assert key not in await page.evaluate("() => JSON.stringify({...sessionStorage})")
    assert await browsed.local_storage() == {}


async def test_a_closed_question_can_be_opened_again(browsed: Browsed) -> None:
    """The tabs of the first visit are soon closed or written over; the list of questions is always there."""
    page = browsed.page
    tabs = page.get_by_role("tab")
    await expect(tabs).to_have_count(len(QUESTIONS))
    await page.get_by_label("Close Tab").first.click()
    await expect(tabs).to_have_count(len(QUESTIONS) - 1)
    await expect(tabs.first).to_contain_text("ByOrderNumber")
    await browsed.open_question("Any scrap")
    await expect(tabs).to_have_count(len(QUESTIONS))
    await expect(tabs.last).to_contain_text("AnyScrap")
    await page.get_by_label("open in the current tab").check()
    await browsed.open_question("By ticket number")
    await expect(tabs).to_have_count(len(QUESTIONS))
    await expect(tabs.last).to_contain_text("ByTicketNumber")


async def test_typing_after_opening_a_question_replaces_its_example(browsed: Browsed) -> None:
    """A person at the desk opens a question and types, or scans, the number at once."""
    await browsed.open_question("By ticket number")
    await browsed.page.keyboard.type("ABC-123")
    variables = browsed.page.locator("section[aria-label='Variables'] .CodeMirror-code")
    await expect(variables).to_contain_text('"externalTicketNo": "ABC-123"')


async def test_a_question_is_opened_whatever_else_is_about_to_change(browsed: Browsed) -> None:
    """GraphiQL changes its tabs a moment after anything was typed or shown: what is typed into the question stays."""
    page = browsed.page
    await page.evaluate(
        """() => {
          desk.updateActiveTabValues({ response: "{}" });
          document.querySelector("#questions li:nth-child(4) button").click();
        }"""
    )
    await page.keyboard.type("ABC-123")
    variables = page.locator("section[aria-label='Variables'] .CodeMirror-code")
    await expect(variables).to_contain_text('"externalTicketNo": "ABC-123"')


async def test_a_question_that_can_be_clicked_opens(browsed: Browsed) -> None:
    """However early: none can be before the editors are there."""
    page = browsed.page
    await page.add_init_script(
        """new MutationObserver((_, observer) => {
          const button = document.querySelector("#questions li:nth-child(4) button:enabled");
          if (button) {
            observer.disconnect();
            button.click();
          }
        }).observe(document, { subtree: true, childList: true, attributeFilter: ["disabled"] });"""
    )
    await page.reload()
    variables = page.locator("section[aria-label='Variables'] .CodeMirror-code")
    await expect(variables).to_contain_text('"externalTicketNo"')
