"""As much of W&B's server as its client needs: views, runs, and artifacts, on loopback."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

USER = {"id": "u", "entity": "team", "username": "me", "email": "", "flags": "{}"}


class Server(ThreadingHTTPServer):
    """Remembers all that it is sent.

    Attributes:
        url: for `WANDB_BASE_URL`.
        calls: operation and variables of each GraphQL request.
        streamed: bodies of the run's file stream: history and summary.
        stored: content of each uploaded file, by artifact or ``run`` and name.
        received: the body of every request.
        refuses: operations to refuse, and in what words.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.streamed: list[dict[str, Any]] = []
        self.stored: dict[str, bytes] = {}
        self.received: list[bytes] = []
        self.refuses: dict[str, str] = {}

    def variables(self, operation: str) -> list[dict[str, Any]]:
        """Of each request of an operation."""
        return [variables for name, variables in self.calls if name == operation]

    def answer(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data of a GraphQL reply; field names are those of W&B's schema."""
        given = variables.get("input", {})
        if name == "UpsertView2":
            return {"upsertView": {"view": {"id": "v", "name": variables["name"]}}}
        if name == "UpsertBucket":
            project = {"id": "p", "name": "p", "entity": {"id": "e", "name": "team"}}
            run = {"id": "r", "name": variables["name"], "displayName": variables["displayName"]}
            return {"upsertBucket": {"bucket": {**run, "project": project}, "inserted": True}}
        if name == "CreateArtifact":
            artifact = {"id": given["artifactCollectionName"], "state": "PENDING"}
            return {"createArtifact": {"artifact": {**artifact, "artifactSequence": {"id": "s"}}}}
        if name == "CreateArtifactManifest":
            file = self._file("id", "wandb_manifest.json", f"manifest/{variables['artifactID']}")
            return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}
        if name == "CreateArtifactFiles":
            nodes = [
                self._file("displayName", item["name"], f"{item['artifactID']}/{item['name']}")
                | {"artifact": {"id": item["artifactID"]}}
                for item in given["artifactFiles"]
            ]
            edges = [{"node": node} for node in nodes]
            return {"createArtifactFiles": {"files": {"edges": edges}}}
        if name == "CreateRunFiles":
            files = [self._file("id", file, f"run/{file}") for file in variables["files"]]
            return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": files}}
        if name == "CommitArtifact":
            return {"commitArtifact": {"artifact": {"id": "a", "digest": "d"}}}
        if name == "UseArtifact":
            return {"useArtifact": {"artifact": {"id": "a"}}}
        return {"viewer": USER, "serverInfo": {"features": []}}

    def _file(self, key: str, name: str, place: str) -> dict[str, Any]:
        url = f"{self.url}/storage/{place}"
        return {key: name, "name": name, "uploadUrl": url, "uploadHeaders": []}


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        """Keep what came; answer a question."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.received.append(body)
        reply: dict[str, Any] = {}
        if self.path == "/graphql":
            question = json.loads(body)
            named = re.search(r"(?:query|mutation)\s+(\w+)", question["query"])
            call = (named[1] if named else "", question.get("variables") or {})
            self.server.calls.append(call)
            if call[0] in self.server.refuses:
                reply = {"data": None, "errors": [{"message": self.server.refuses[call[0]]}]}
            else:
                reply = {"data": self.server.answer(*call)}
        elif self.path.startswith("/storage/"):
            self.server.stored[self.path.removeprefix("/storage/")] = body
        elif self.path.endswith("/file_stream"):
            self.server.streamed.append(json.loads(body))
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_POST


@contextmanager
def wandb_server() -> Iterator[Server]:
    """A server that answers until the block ends."""
    with Server() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
