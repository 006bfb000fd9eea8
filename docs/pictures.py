"""Draw the pictures of the docs: python docs/pictures.py (needs Chromium and tfcli[dev])."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

TEXT = "The animal did not cross the street because it was too hot"
IMAGES = Path(__file__).parent / "images"
FIGURES = {"head.png": ("--layer", "4", "--head", "3"), "heads.png": ()}
VIEWS = {
    "page-heads.png": "#view=head&layer=4&heads=3.6.9&lang=en&theme=light",
    "page-all.png": "#view=model&layer=4&head=3&lang=en&theme=dark",
}


def attn(*options: str) -> None:
    """Run ``tfcli attn`` on the text."""
    subprocess.run([sys.executable, "-m", "tfcli", "attn", TEXT, *options], check=True)


def main() -> None:
    """Draw the figures, then views of the page."""
    for name, options in FIGURES.items():
        attn(*options, "-o", str(IMAGES / name))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        attn("-o", str(file))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, fragment in VIEWS.items():
            page = browser.new_page(viewport={"width": 1000, "height": 640})
            page.goto(f"{file.as_uri()}{fragment}")
            page.wait_for_selector("#title:not(:empty)")
            page.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main()
