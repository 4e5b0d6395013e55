"""The page of `fedrl watch` in a browser."""

from threading import Thread

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from fedrl.benchmark.inspection.watch_server import serve

LINE = {"family": "gridworld", "kappa": 0.0, "agents": 2, "algorithm": "FedPG", "colour": "#0072B2"}
COUNTS = {"expected": 4, "finished": 1, "diverged": 1, "running": 1, "stale": 0, "damaged": 0}


def test_the_page_follows_the_state(driver: Chrome) -> None:
    curve = {"x": [0.0, 10.0, 20.0], "y": [0.1, 0.4, 0.5]}
    state = {"study": "tiny", "title": "<b>Tiny</b>", **COUNTS, "failed": ["config 3: diverged"]}
    state |= {"lines": [LINE | COUNTS | {"curve": curve}]}
    state |= {
        "tuning": {"tune": 3, "select": 0, "tasks": [{"task": "t", "trials": 2, "best": [1, 2]}]}
    }
    server = serve(lambda: state)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        driver.get(f"http://127.0.0.1:{server.server_address[1]}/")

        def said(word: str) -> None:
            WebDriverWait(driver, 20).until(
                lambda d: word in d.find_element(By.TAG_NAME, "body").text
            )

        said("1 of 4 runs are stored, 1 running, 1 diverged")
        assert driver.find_element(By.ID, "title").text == "<b>Tiny</b>"  # words, not markup
        assert len(driver.find_elements(By.TAG_NAME, "polyline")) == 2
        assert "config 3: diverged" in driver.find_element(By.ID, "failed").text
        state["finished"] = 4
        said("4 of 4 runs are stored")
    finally:
        server.shutdown()
        server.server_close()
        driver.get("about:blank")
    said_on_console = [entry["message"] for entry in driver.get_log("browser")]
    assert said_on_console == []
