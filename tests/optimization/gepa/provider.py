"""A provider on a real socket whose model does better under a better prompt, and models that find one.

The task: say what kind of mail a text is. The model knows a kind only if its system prompt names it. The
analyst names the kind of each case that scored badly, the editor adds all kinds that were named to the first
template.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KINDS = ("bill", "greeting")
KNOWN = "Known kinds: "


class Mail:
    """The provider. A context manager; `asked` holds the bodies by model."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.held = threading.Event()
        """Set while nobody is to be answered."""
        self.released = threading.Event()
        self.most_at_once: Counter[str] = Counter()
        self.replies: dict[str, str] = {}
        """What a model says whatever it is asked."""
        self._at_once: Counter[str] = Counter()
        self._lock = threading.Lock()
        mail = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer a chat completion."""
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                content = json.dumps(mail.complete(body)).encode()
                try:
                    self.send_response(200)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.held.clear()
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def of(self, model: str) -> list[dict[str, Any]]:
        """Return what a model was asked."""
        return [body for body in self.asked if body["model"] == model]

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make the answer of a model."""
        model = body["model"]
        with self._lock:
            self.asked.append(body)
            self._at_once[model] += 1
            self.most_at_once[model] = max(self.most_at_once[model], self._at_once[model])
        if self.held.is_set():
            self.released.wait(60)
        texts = [text_of(message) for message in body["messages"]]
        text = self.replies.get(model) or ROLES[model](texts)
        with self._lock:
            self._at_once[model] -= 1
        message = {"role": "assistant", "content": text}
        return {
            "id": "c",
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 5},
        }


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message in either form."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def sort(texts: list[str]) -> str:
    """Name the kind of mail, if the prompt does."""
    system, mail = texts[0], texts[-1]
    known = system.partition(KNOWN)[2]
    return next((kind for kind in KINDS if kind in mail and kind in known), "unknown")


def analyse(texts: list[str]) -> str:
    """Report on a case: which kind the templates should have named."""
    case = texts[-1].partition("<case>")[2]
    if '"exact": true' in case:
        return "<report_optimal><reasoning>right</reasoning><patterns>all</patterns></report_optimal>"
    kind = next(kind for kind in KINDS if kind in case)
    return f"Well.\n<report_error><diagnosis>it should name: {kind}.</diagnosis></report_error>\nSo."


def edit(texts: list[str]) -> str:
    """Name the kinds that reports ask for."""
    asked = texts[-1]
    templates = re.findall(r'<template name="(.*?)">\n(.*?)\n</template>', asked, re.DOTALL)
    wanted = sorted(set(re.findall(r"it should name: (\w+)\.", asked)))
    name, first = templates[0]
    if KNOWN not in first:
        first += f" {KNOWN}"
    changed = [(name, f"{first}{' '.join(wanted)} "), *templates[1:]]
    return json.dumps({"templates": [{"name": name, "content": content} for name, content in changed]})


def read(texts: list[str]) -> str:
    """Name the kind of mail as JSON."""
    return json.dumps({"kind": sort(texts)})


def judge(texts: list[str]) -> str:
    """Find everything equally long."""
    return '{"score": 7}'


ROLES: dict[str, Callable[[list[str]], str]] = {
    "sorter": sort,
    "reader": read,
    "judge": judge,
    "analyst": analyse,
    "editor": edit,
}
