"""Look at a built site: every link and anchor leads somewhere, and no page asks another server for anything.

python docs/hooks/check.py site
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
"""Element -> attribute whose address a browser fetches by itself."""

HARMLESS = ("canonical", "prev", "next", "alternate")
"""Relations of links that are not fetched."""


class _Page(HTMLParser):
    """What one page links to, loads, and can be linked to by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.anchors |= {told[name] for name in ("id", "name") if told.get(name)}
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        address = told.get(LOADED.get(tag, ""), "")
        if address and not (tag == "link" and told.get("rel", "") in HARMLESS):
            self.loads.append(address)


def faults_of(site: Path) -> list[str]:
    """Return what is wrong with the pages of a site, one sentence each."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site} holds no page"]
    found = []
    for path, page in pages.items():
        here = path.relative_to(site)
        found += [f"{here} loads {a}" for a in page.loads if urlsplit(a).netloc]
        for address in [*page.links, *page.loads]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or here.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                found.append(f"{here} links to {address}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{here} links to {address}: there is no such place on that page")
    for path in [*site.rglob("*.css"), *site.rglob("*.html")]:
        text = path.read_text(encoding="utf-8")
        outside = [word for word in ("url(http", "url(//", "@import") if word in text]
        found += [f"{path.relative_to(site)} holds {word}" for word in outside]
    return found


def main() -> int:
    """Print the faults; 1 if there are any."""
    found = faults_of(Path(sys.argv[1]).resolve())
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
