"""Headless Chromium from the PATH, and one report for all tests. A missing browser is an error."""

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from test_report import PROVENANCE, synthetic

from fedrl.reports import write_report

FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
)

Open = Callable[..., Chrome]


def found(*names: str) -> str:
    """The first of these programs; RuntimeError when there is none."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise RuntimeError(f"no {' or '.join(names)} on the PATH: these tests need a browser")


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a small study with diverged runs, as a file:// address."""
    out = tmp_path_factory.mktemp("report")
    records = synthetic(("gridworld", "cartpole"), points=14)
    words = {"title": "Smoke", "description": "A synthetic study."}
    return write_report(records, PROVENANCE, out, **words).as_uri()


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = found("chromium", "chromium-browser", "google-chrome")
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=Service(found("chromedriver")))
    chrome.set_script_timeout(60)
    yield chrome
    chrome.quit()


@pytest.fixture
def visit(driver: Chrome, address: str) -> Iterator[Open]:
    """Opens the page; after the test nothing may have been said on the console or been fetched."""

    def go(
        fragment: str = "",
        width: int = 1280,
        height: int = 900,
        *,
        dark: bool = False,
        scripts: bool = True,
    ) -> Chrome:
        command = driver.execute_cdp_cmd
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.get("about:blank")
        command("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        command("Emulation.setEmulatedMedia", {"media": "", "features": [scheme, still]})
        command("Emulation.setDeviceMetricsOverride", size)
        driver.get(address + fragment)
        return driver

    for kind in ("browser", "performance"):
        driver.get_log(kind)
    yield go
    said = [entry["message"] for entry in driver.get_log("browser")]
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert said == []
    assert {url.split(":")[0] for url in requested(driver)} <= {"file", "data", "about", "blob"}


def requested(driver: Chrome) -> list[str]:
    """Addresses of everything the page asked for."""
    entries: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in driver.get_log("performance")
    ]
    sent = [entry for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    return [entry["params"]["request"]["url"] for entry in sent]
