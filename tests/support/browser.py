"""A real browser, headless, by the WebDriver protocol (w3.org/TR/webdriver2): chromium and its driver, nothing else."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
# No sandbox: it cannot be had by root or in most containers, and only our own pages are opened.
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
Found = TypeVar("Found")


class Page:
    """An open window."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, url: str) -> None:
        """Goes to an address and waits until it is loaded; what scripts fetch comes later.

        By way of an empty page: of two addresses that differ behind their # only, the second is not loaded.
        """
        _send("POST", f"{self._session}/url", {"url": "about:blank"})
        _send("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a function body in JavaScript returns."""
        return _send("POST", f"{self._session}/execute/sync", {"script": script, "args": list(arguments)})

    def text(self) -> str:
        """What can be read."""
        return str(self.run("return document.body.innerText"))

    def click(self, selector: str) -> None:
        """Presses what a CSS selector finds first, as soon as it is there."""
        script = "const found = document.querySelector(arguments[0]); found?.click(); return Boolean(found)"
        self.wait(lambda: self.run(script, selector))

    def wait(self, condition: Callable[[], Found], seconds: float = 60) -> Found:
        """Asks until the answer is yes.

        Raises:
            AssertionError: It never was; tells what the page says.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := condition():
                return answer
            time.sleep(0.2)
        raise AssertionError(f"the page says:\n{self.text()[:3000]}")

    def says(self, *texts: str, seconds: float = 60) -> None:
        """Waits until all of them can be read."""
        self.wait(lambda: all(text in self.text() for text in texts), seconds)

    def screenshot(self, path: Path) -> None:
        """Writes what is seen as a PNG."""
        path.write_bytes(base64.b64decode(_send("GET", f"{self._session}/screenshot")))


@contextlib.contextmanager
def page(profile: Path, width: int = 1400, height: int = 900, *, dark: bool = False) -> Iterator[Page]:
    """Opens a window and closes it.

    Args:
        profile: Folder that the browser may fill.
        width: Of the window in pixels.
        height: Of the window in pixels.
        dark: Whether pages see a preference for dark colours.
    """
    assert CHROMIUM, "chromium is not installed"
    assert DRIVER, "chromedriver is not installed"
    more = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []
    options = {
        "binary": CHROMIUM,
        "args": [*ARGUMENTS, *more, f"--user-data-dir={profile}", f"--window-size={width},{height}"],
    }
    wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout
            port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))
            root = f"http://127.0.0.1:{port}/session"
            session = f"{root}/{_send('POST', root, wanted)['sessionId']}"
            try:
                yield Page(session)
            finally:
                _send("DELETE", session)
        finally:
            driver.terminate()


def _send(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]
    except HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from None
