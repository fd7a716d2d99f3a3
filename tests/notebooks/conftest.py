import pytest

from tests.support.lab import FLAGS


@pytest.fixture(scope="module")
def browser(browser_executable):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_executable, args=FLAGS)
        yield browser
        browser.close()
