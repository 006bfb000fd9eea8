"""A real browser: Chromium, found on the machine, driven by Playwright.

Without it these tests are skipped and say so; with ``TFCLI_BROWSER=required`` they fail instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The running browser."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("TFCLI_BROWSER") != "required":
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Seen:
    """What a page does that it must not do."""

    def __init__(self, page: Any) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a file: ``opened(path, "#view=matrix", width=390, height=844)``."""
    contexts = []

    def open_page(
        path: Path, fragment: str = "", width: int = 1180, height: int = 900, **how: Any
    ) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **how)
        contexts.append((context, path))
        page = context.new_page()
        page.seen = Seen(page)
        page.goto(f"{path.as_uri()}{fragment}")
        page.wait_for_selector("#title:not(:empty)")  # a function would need eval
        return page

    yield open_page
    for context, path in contexts:
        for page in context.pages:
            assert page.seen.messages == []
            away = [
                url for url in page.seen.requests if not url.startswith((path.as_uri(), "blob:"))
            ]
            assert away == []
        context.close()
