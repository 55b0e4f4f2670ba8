"""A hub in memory on loopback: as much of the protocol of the Hugging Face Hub as pushing and pulling a model needs."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlparse


@dataclass
class Repository:
    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        sha = hashlib.sha1(repr((branch, sorted(files), len(self.commits))).encode()).hexdigest()  # noqa: S324
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha

    def sha(self, revision: str) -> str | None:
        return self.branches.get(revision, revision if revision in self.commits else None)


class Hub:
    """What was pushed, and every request that came."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def files(self, name: str, branch: str = "main") -> dict[str, bytes]:
        found = self.repositories[name]
        return found.commits[found.branches[branch]]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer("GET")

    def do_HEAD(self):
        self._answer("HEAD")

    def do_POST(self):
        self._answer("POST")

    def _answer(self, method):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        path = unquote(urlparse(self.path).path)
        self.hub.requests.append(f"{method} {path}")
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        for verb, pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method in verb:
                answer(self, body, **found.groupdict())
                return
        self._send(404, {"error": "no such route"})

    def _chunks(self):
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def _send(self, status, value, **headers):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, one in headers.items():
            self.send_header(name.replace("_", "-"), one)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _missing(self, code):
        self._send(404, {"error": code}, X_Error_Code=code)

    def _found(self, name, revision):
        repository = self.hub.repositories.get(name)
        if repository is None:
            return None, None, self._missing("RepoNotFound")
        sha = repository.sha(revision)
        return (repository, sha, None) if sha else (None, None, self._missing("RevisionNotFound"))

    def create(self, body):
        asked = json.loads(body)
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = f"{self.hub.endpoint}/{name}"
        if name in self.hub.repositories:
            self._send(409, {"url": url, "error": "there already"})
            return
        repository = self.hub.repositories[name] = Repository(asked.get("visibility") == "private")
        repository.commit("main", {".gitattributes": b""})
        self._send(200, {"url": url})

    def branch(self, _, name, branch):
        repository = self.hub.repositories[name]
        if branch in repository.branches:
            self._send(409, {"error": "there already"})
            return
        repository.branches[branch] = repository.branches["main"]
        self._send(200, {})

    def info(self, _, name, revision="main"):
        repository, sha, _ = self._found(name, revision)
        if repository is not None:
            files = [{"rfilename": file} for file in repository.commits[sha]]
            told = {
                "id": name,
                "modelId": name,
                "sha": sha,
                "siblings": files,
                "private": repository.private,
                "tags": [],
            }
            self._send(200, told | {"downloads": 0, "likes": 0})

    def tree(self, _, name, revision):
        repository, sha, _ = self._found(name, revision)
        if repository is not None:
            files = repository.commits[sha].items()
            told = [{"type": "file", "path": path, "size": len(data), "oid": _sum(data)} for path, data in files]
            self._send(200, told)

    def preupload(self, body, name, revision):
        asked = json.loads(body)["files"]
        modes = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in asked]
        self._send(200, {"files": modes})

    def commit(self, body, name, revision):
        repository = self.hub.repositories[name]
        files = dict(repository.commits[repository.sha(revision)])
        for line in body.splitlines():
            action = json.loads(line)
            value = action["value"]
            if action["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif action["key"] == "deletedFile":
                files.pop(value["path"], None)
        sha = repository.commit(revision, files)
        url = f"{self.hub.endpoint}/{name}/commit/{sha}"
        self._send(200, {"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})

    def resolve(self, _, name, revision, file):
        repository, sha, _ = self._found(name, revision)
        if repository is None:
            return
        data = repository.commits[sha].get(file)
        if data is None:
            self._send(404, {}, X_Error_Code="EntryNotFound", X_Repo_Commit=sha)
            return
        self._send(200, data, ETag=f'"{_sum(data)}"', X_Repo_Commit=sha)

    def validate(self, body):
        self._send(200, {"errors": [], "warnings": []})


def _sum(data):
    return hashlib.sha1(data).hexdigest()  # noqa: S324


_NAME = r"(?P<name>[^/]+/[^/]+)"
_ROUTES = (
    (("POST",), r"/api/repos/create", _Handler.create),
    (("POST",), r"/api/validate-yaml", _Handler.validate),
    (("POST",), rf"/api/models/{_NAME}/branch/(?P<branch>.+)", _Handler.branch),
    (("POST",), rf"/api/models/{_NAME}/preupload/(?P<revision>.+)", _Handler.preupload),
    (("POST",), rf"/api/models/{_NAME}/commit/(?P<revision>.+)", _Handler.commit),
    (("GET",), rf"/api/models/{_NAME}/tree/(?P<revision>[^/]+)", _Handler.tree),
    (("GET",), rf"/api/models/{_NAME}/revision/(?P<revision>.+)", _Handler.info),
    (("GET",), rf"/api/models/{_NAME}", _Handler.info),
    (("GET", "HEAD"), rf"/{_NAME}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
)
