"""A headless Chromium, driven through the pipe of its DevTools protocol: one window, one page after another."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE: Final = 60.0  # seconds that one order may take
OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
    *("--font-render-hinting=none", "--force-color-profile=srgb"),
)


class BrowserError(Exception):
    """The browser is not there, does not answer, or refuses an order."""


class Browser:
    """A browser with one page open.

    Attributes
    ----------
    asked : addresses that the page asked for since it was opened, its own file and what it carries in itself aside.
    said : complaints of the page's security policy and of its console since it was opened.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self._number, self._session, self._rest, self._loaded, self._own = 0, "", b"", False, ""

    def __enter__(self) -> Self:
        binary = next((found for name in NAMES if (found := shutil.which(name))), None)
        if binary is None:
            raise BrowserError(f"no browser under any of the names {', '.join(NAMES)}")
        self._profile = tempfile.TemporaryDirectory(prefix="largesse-browser-", ignore_cleanup_errors=True)
        theirs_in, self._orders = os.pipe()
        self._answers, theirs_out = os.pipe()
        opened = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'  # the protocol's own two descriptors
        command = ["sh", "-c", opened, binary, *OPTIONS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        target = next(t for t in self.order("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.order("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log", "DOM"):
            self.order(f"{domain}.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
        os.close(self._orders)
        os.close(self._answers)
        self._profile.cleanup()

    def order(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The answer of the browser to one order."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": arguments}
        os.write(self._orders, json.dumps(message | ({"sessionId": self._session} if self._session else {})).encode())
        os.write(self._orders, b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._heard(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    def open(self, page: Path, width: int, *, dark: bool = False, medium: str = "screen", sharpness: int = 2) -> None:
        """Load a file at a width in CSS pixels, `sharpness` of the screen's to each, and wait until all is there."""
        size = {"width": width, "height": 900, "deviceScaleFactor": sharpness, "mobile": width < 600}
        self.order("Emulation.setDeviceMetricsOverride", **size)
        wanted = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.order("Emulation.setEmulatedMedia", media=medium, features=wanted)
        self.asked, self.said, self._loaded, self._own = [], [], False, page.resolve().as_uri()
        self.order("Page.navigate", url=self._own)
        while not self._loaded:
            self._heard(self._next())

    def evaluate(self, script: str) -> Any:
        """The value of a script, awaited, in the page that is open."""
        found = self.order("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"].get("exception", {}).get("description", found)))
        return found["result"].get("value")

    def picture(self, height: int, form: str = "webp", quality: int = 80) -> bytes:
        """The first `height` CSS pixels of the page as an image."""
        width = self.order("Page.getLayoutMetrics")["cssLayoutViewport"]["clientWidth"]
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        how = {"format": form, "clip": clip, "captureBeyondViewport": True}
        shot = self.order("Page.captureScreenshot", **how, **({"quality": quality} if form != "png" else {}))
        return base64.b64decode(shot["data"])

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise BrowserError(f"no answer within {PATIENCE:.0f} seconds")
            if not (more := os.read(self._answers, 1 << 20)):
                raise BrowserError("the browser has gone")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def _heard(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                address = str(told["request"]["url"])
                if address != self._own and not address.startswith("data:"):
                    self.asked.append(address)
            case "Log.entryAdded":
                self.said.append(str(told["entry"]["text"]))
