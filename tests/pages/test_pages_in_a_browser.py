"""Pages as a browser shows them: nothing goes wrong, nothing lies outside, keys step."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memhp.cli.main import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
_CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    if _CHROMIUM is None:
        pytest.skip("there is no chromium: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = player.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    record = Path(__file__).parents[1] / "data" / "dimms.tar.gz"
    names = ("run", "machine", "check", "plan", "kernels")
    pages = {name: folder / f"{name}.html" for name in names}
    assert main(["check", "--variant", "object-rmap-alone", "-q", "--html", str(pages["run"])]) == 1
    assert main(["inspect", str(record), "--html", str(pages["machine"])]) == 0
    assert main(["check", "--only", "N2", "--html", str(pages["check"])]) == 0
    assert main(["plan", "--node", "1", str(record), "--html", str(pages["plan"])]) == 3
    assert main(["lab", "conform", "--show", "--html", str(pages["kernels"])]) == 0
    return pages


def opened(
    browser: Browser, file: Path, *, width: int, script: bool = True
) -> tuple[Page, list[str]]:
    """The page, and what its console says."""
    page = browser.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=script
    ).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: _local(asked.url) or said.append(asked.url))
    page.goto(file.as_uri())
    return page, said


def _local(address: str) -> bool:
    return address.startswith(("file:", "data:"))


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("name", ["run", "machine", "check", "plan", "kernels"])
def test_a_page_opens_without_a_word_and_lies_within_its_width(
    browser: Browser, files: dict[str, Path], name: str, width: int
) -> None:
    page, said = opened(browser, files[name], width=width)
    for each in page.query_selector_all("details"):
        each.evaluate("each => { each.open = true; }")
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_step_through_a_run(browser: Browser, files: dict[str, Path]) -> None:
    page, said = opened(browser, files["run"], width=1280)

    def current() -> list[str]:
        shown = page.query_selector_all("section.state")
        return [each.get_attribute("id") or "" for each in shown if each.is_visible()]

    assert current() == ["step-1"]
    for key, at in (("ArrowRight", "2"), ("End", "6"), ("ArrowRight", "6"), ("Home", "0")):
        page.keyboard.press(key)
        assert current() == [f"step-{at}"]
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.click("ol.line li:nth-child(4) a")
    assert current() == ["step-3"]
    assert page.url.endswith("#step-3")
    assert said == []


def test_without_script_every_step_is_there(browser: Browser, files: dict[str, Path]) -> None:
    page, _ = opened(browser, files["run"], width=400, script=False)
    assert all(each.is_visible() for each in page.query_selector_all("section.state"))


def test_boxes_that_do_not_lie_in_each_other_do_not_overlap_and_hold_their_text(
    browser: Browser, files: dict[str, Path]
) -> None:
    page, _ = opened(browser, files["run"], width=1280)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("section.current svg.machine g")].map((each) => {
            const box = each.querySelector("rect").getBBox();
            const text = each.querySelector("text").getBBox();
            return [box.x, box.y, box.x + box.width, box.y + box.height, text.x + text.width,
                    text.y + text.height];
        })"""
    )
    assert len(boxes) > 5
    for at, (x, y, to_x, to_y, text_x, text_y) in enumerate(boxes):
        assert text_x <= to_x + 1
        assert text_y <= to_y + 1
        for other_x, other_y, other_to_x, other_to_y, *_ in boxes[at + 1 :]:
            apart = other_x >= to_x or x >= other_to_x or other_y >= to_y or y >= other_to_y
            within = x <= other_x and y <= other_y and other_to_x <= to_x and other_to_y <= to_y
            assert apart or within


def test_a_word_finds_the_properties_that_have_it(browser: Browser, files: dict[str, Path]) -> None:
    page, _ = opened(browser, files["check"], width=1280)
    page.fill("#find", "pgdat")
    shown = [each for each in page.query_selector_all(".claim") if each.is_visible()]
    assert shown
    assert all("pgdat" in (each.text_content() or "").lower() for each in shown)
