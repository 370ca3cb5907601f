"""A mock portal of a city government with the chat on its pages: as an element, and in a frame.

It needs nothing but Python. The key stays in this process; browsers get tokens of 30 minutes for it. Run it as README.md says.
"""

import argparse
import hashlib
import hmac
import html
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

HERE = Path(__file__).resolve().parent
PAGES = {"/": "index.html", "/frame": "frame.html"}
FILES = {
    "/portal.css": "text/css; charset=utf-8",
    "/portal.js": "text/javascript; charset=utf-8",
    "/frame.js": "text/javascript; charset=utf-8",
}


class Portal(BaseHTTPRequestHandler):
    """One request of a browser."""

    service: ClassVar[str]
    key: ClassVar[str]
    key_id: ClassVar[str]
    origin: ClassVar[str]
    # Signs the cookie that tells one visitor from another; a real portal has sessions of its own.
    secret: ClassVar[bytes] = secrets.token_bytes(32)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in PAGES:
            self.page((HERE / PAGES[path]).read_text(encoding="utf-8"))
        elif path in FILES:
            self.reply(200, (HERE / path[1:]).read_bytes(), FILES[path])
        else:
            self.reply(204 if path == "/favicon.ico" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        """A token for the visitor. Pages of other sites get none: their browsers say where they are from."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/zhengwen-token":
            self.reply(404, b"", "text/plain")
        elif self.headers.get("Origin") != self.origin or not self.visitor():
            self.reply(403, b"", "text/plain")
        else:
            try:
                self.reply(200, self.token(), "application/json")
            except (urllib.error.URLError, TimeoutError) as error:
                self.log_error("no token: %s", error)
                self.reply(502, b"", "text/plain")

    def token(self) -> bytes:
        """What the service gives for the key, in the name of this visitor."""
        body = json.dumps({"origin": self.origin, "user": self.visitor()}).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.service}/api/tokens", body, headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            found: bytes = response.read()
        return found

    def page(self, template: str) -> None:
        values = {"service": self.service, "key_id": self.key_id}
        for name, value in values.items():
            template = template.replace(f"{{{{{name}}}}}", html.escape(value))
        policy = (
            f"default-src 'self'; script-src 'self' {self.service}; connect-src 'self' {self.service}; "
            f"frame-src {self.service}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
        )
        headers = {"Content-Security-Policy": policy}
        if not self.visitor():
            name = secrets.token_hex(8)
            headers["Set-Cookie"] = f"visitor={name}.{self.signature(name)}; Path=/; HttpOnly; SameSite=Strict"
        self.reply(200, template.encode(), "text/html; charset=utf-8", headers)

    def visitor(self) -> str:
        """Who asks, by the cookie; empty for a stranger."""
        found = SimpleCookie(self.headers.get("Cookie", "")).get("visitor")
        name, _, signature = (found.value if found else "").partition(".")
        return name if name and hmac.compare_digest(signature, self.signature(name)) else ""

    def signature(self, name: str) -> str:
        return hmac.digest(self.secret, name.encode(), hashlib.sha256).hex()

    def reply(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "X-Content-Type-Options": "nosniff", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", default="http://127.0.0.1:8000", help="address of the service")
    parser.add_argument("--key-id", required=True, help="id of the key, for the frame: key-…")
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args()
    key = os.environ.get("PORTAL_KEY", "")
    if not key:
        sys.exit("portal: set PORTAL_KEY to the key that 'zhengwen keys create' printed")
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Portal)
    Portal.service, Portal.key, Portal.key_id = given.service.rstrip("/"), key, given.key_id
    Portal.origin = f"http://127.0.0.1:{server.server_address[1]}"
    sys.stdout.write(f"portal on {Portal.origin}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
