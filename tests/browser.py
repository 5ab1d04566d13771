"""A headless Chromium driven through its DevTools protocol, with the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio"),
    *("--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*"),
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of one browser, closed on leaving."""

    def __init__(self, program: str) -> None:
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = [program, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self._port()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
            pages = json.load(answer)
        url = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        self.link = _Link(url)
        self.number, self.errors, self.requests, self.waiting = 0, [], [], []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def _port(self) -> int:
        file, end = Path(self.profile.name) / "DevToolsActivePort", time.monotonic() + 30
        while time.monotonic() < end:
            if file.is_file() and (text := file.read_text().splitlines()):
                return int(text[0])
            time.sleep(0.05)
        raise RuntimeError("the browser did not start")

    def send(self, method: str, **params):
        self.number += 1
        number = self.number
        self.link.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.link.receive())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str(params["args"])[:600])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(str(params["entry"])[:600])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        self.waiting.append(method)

    def size(self, width: int, height: int = 900, *, mobile: bool = False, dark: bool = False) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=theme)

    def open(self, path: Path) -> float:
        """Open a file; return the milliseconds until it was loaded."""
        self.waiting.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        while "Page.loadEventFired" not in self.waiting:
            self._note(json.loads(self.link.receive()))
        code = "performance.getEntriesByType('navigation')[0].loadEventEnd || performance.now()"
        return float(self.value(code))

    def value(self, code: str):
        answer = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"])[:600])
        return answer["result"].get("value")

    def wait(self, code: str, seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not self.value(code):
            assert time.monotonic() < end, f"never true: {code}"
            time.sleep(0.05)

    def key(self, name: str) -> None:
        text = {"text": "\r"} if name == "Enter" else {}
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=codes[name],
                      **(text if kind == "keyDown" else {}))  # fmt: skip

    def mouse(self, selector: str, *, click: bool = False) -> None:
        place = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center',"
            "behavior: 'instant'}); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height "
            "/ 2]; })()"
        )
        kinds = ("mouseMoved", "mousePressed", "mouseReleased") if click else ("mouseMoved",)
        for kind in kinds:
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **button)

    def picture(self, path: Path, selector: str | None = None, *, whole: bool = False) -> None:
        clip = {}
        if selector:
            code = (
                f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect(); return "
                "[b.x + scrollX, b.y + scrollY, b.width, b.height]; })()"
            )
            x, y, w, h = self.value(code)
            clip = {"clip": {"x": x, "y": y, "width": w, "height": h, "scale": 1}}
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=bool(selector) or whole, **clip)[
            "data"
        ]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        data = self.send("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self.link.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.profile.cleanup()


class _Link:
    """A WebSocket to this machine: text frames, no extensions."""

    def __init__(self, url: str) -> None:
        host, port, path = re.fullmatch(r"ws://([^:/]+):(\d+)(/.*)", url).groups()
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]  # fmt: skip
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        n = len(data)
        size = bytes([128 | n]) if n < 126 else bytes([254]) + struct.pack(">H", n) if n < 65536 else (
            bytes([255]) + struct.pack(">Q", n))  # fmt: skip
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        self.socket.sendall(b"\x81" + size + mask + masked)

    def _take(self, n: int) -> bytes:
        parts = [self.buffer]
        have = len(self.buffer)
        while have < n:
            part = self.socket.recv(1 << 20)
            if not part:
                raise RuntimeError("the browser has gone")
            parts.append(part)
            have += len(part)
        whole = b"".join(parts)
        self.buffer = whole[n:]
        return whole[:n]

    def receive(self) -> str:
        message = b""
        while True:
            first, second = self._take(2)
            n = second & 127
            if n == 126:
                (n,) = struct.unpack(">H", self._take(2))
            elif n == 127:
                (n,) = struct.unpack(">Q", self._take(8))
            data = self._take(n)
            if first & 15 in (0, 1, 2):
                message += data
                if first & 128:
                    return message.decode()

    def close(self) -> None:
        self.socket.close()
