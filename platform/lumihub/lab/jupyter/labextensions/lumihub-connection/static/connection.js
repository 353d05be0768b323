// What JupyterLab does while the way to its server is interrupted, as it is for some seconds when LumiHub is updated.
//
// JupyterLab itself says at once that the server is not running, offers to restart it, says that a file could not be
// saved, and looks for its kernels again half a minute later. None of that is of use: the server runs, and its kernels
// hold what they held. So what a page asks is asked again until the server answers, and the page says so in a corner
// meanwhile. A dialog comes only for a server that has ended, or that stays away.
//
// JupyterLab loads this before its own code, as it loads any extension; there is nothing to compile.

(() => {
  const PATIENCE_MS = 60000;
  const PAUSE_MS = 1000;
  // Until the first byte of an answer. What goes to a proxy that is gone by now hangs for minutes: nobody refuses it.
  const ANSWER_MS = 10000;
  // What may be asked twice. Who asks for a kernel or a cell twice would get two.
  const SAFE = ["GET", "HEAD", "PUT", "DELETE"];
  // What proxy and hub say while they don't know the way. The server's own answers to these paths are JSON.
  const ASTRAY = [400, 404, 500, 502, 503, 504];

  const INTERRUPTED =
    "The way to your server is interrupted. JupyterLab tries again by itself; what your notebooks computed is kept.";

  const ask = window.fetch.bind(window);
  const listeners = { interrupted: () => {}, restored: () => {} };
  let waiting = 0;
  let packages;

  window.fetch = async (resource, options) => {
    const request = new Request(resource, options);
    const tries = SAFE.includes(request.method) && isOfServer(request.url);
    return tries ? askUntilAnswered(request) : ask(request);
  };

  // One that is closed before it is open is tried again by JupyterLab.
  window.WebSocket = class extends window.WebSocket {
    constructor(...words) {
      super(...words);
      const timer = setTimeout(() => this.close(), ANSWER_MS);
      for (const event of ["open", "close"]) {
        this.addEventListener(event, () => clearTimeout(timer));
      }
    }
  };

  function isOfServer(url) {
    const { origin, pathname } = new URL(url);
    return origin === location.origin && /^.*\/user\/[^/]+\/(lab\/)?api\//.test(pathname);
  }

  async function askUntilAnswered(request) {
    const deadline = Date.now() + PATIENCE_MS;
    let late = false;
    try {
      for (;;) {
        const last = Date.now() > deadline;
        const answer = await askOnce(request.clone()).catch((error) => {
          if (last || request.signal.aborted) {
            throw error;
          }
        });
        if (answer && (last || !isAstray(answer))) {
          return answer;
        }
        if (!late) {
          late = true;
          waiting += 1;
          listeners.interrupted();
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } finally {
      if (late) {
        waiting -= 1;
        if (waiting === 0) {
          listeners.restored();
        }
      }
    }
  }

  async function askOnce(request) {
    // What is sent along may take as long as it needs.
    if (!["GET", "HEAD"].includes(request.method)) {
      return ask(request);
    }
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), ANSWER_MS);
    try {
      return await ask(request, { signal: AbortSignal.any([request.signal, limit.signal]) });
    } finally {
      clearTimeout(timer);
    }
  }

  function isAstray(answer) {
    return ASTRAY.includes(answer.status) && !(answer.headers.get("Content-Type") ?? "").includes("json");
  }

  // A library of the page's.
  async function load(name) {
    const [version] = Object.values(packages[name]);
    return (await version.get())();
  }

  // JupyterLab itself tries again at ever longer intervals, of half a minute and more after some tries.
  function reconnect(notebooks) {
    notebooks?.forEach((notebook) => {
      const kernel = notebook.sessionContext.session?.kernel;
      if (kernel && kernel.connectionStatus !== "connected") {
        kernel.reconnect().catch(() => {}); // it goes on by itself
      }
    });
  }

  // A corner of the page. What shows JupyterLab's own notifications is loaded with the first one: from the server.
  function buildCorner(notebooks) {
    const corner = document.createElement("div");
    corner.setAttribute("role", "status");
    corner.style.cssText =
      "position: fixed; right: 16px; bottom: 40px; max-width: 340px; padding: 12px; z-index: 10000;" +
      "color: var(--jp-ui-font-color1); background: var(--jp-layout-color1); font-size: var(--jp-ui-font-size1);" +
      "border-left: 6px solid var(--jp-warn-color1); box-shadow: var(--jp-elevation-z4); display: none;";
    document.body.append(corner);
    const show = (words) => {
      corner.textContent = words;
      corner.style.display = words ? "block" : "none";
    };
    listeners.interrupted = () => show(INTERRUPTED);
    listeners.restored = () => {
      show("");
      reconnect(notebooks);
    };
  }

  async function build() {
    const [application, apputils, notebook] = await Promise.all(
      ["@jupyterlab/application", "@jupyterlab/apputils", "@jupyterlab/notebook"].map(load),
    );
    const { Dialog, showDialog } = apputils;

    async function offerRestart(app) {
      const { button } = await showDialog({
        title: "Your server does not answer",
        body: "It has ended, or can't be reached. What was saved is still there. Start it again?",
        buttons: [Dialog.cancelButton({ label: "Dismiss" }), Dialog.okButton({ label: "Start" })],
      });
      if (button.accept) {
        await app.commands.execute("hub:restart");
      }
    }

    return {
      id: "lumihub-connection:plugin",
      description: "Waits for a server that does not answer, and says so.",
      autoStart: true,
      optional: [notebook.INotebookTracker],
      provides: application.IConnectionLost,
      activate: (app, notebooks) => {
        buildCorner(notebooks);
        let asking;
        return async () => {
          asking ??= offerRestart(app).finally(() => {
            asking = undefined;
          });
          await asking;
        };
      },
    };
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["lumihub-connection"] = {
    init: (scope) => {
      packages = scope;
    },
    get: async () => {
      const plugin = await build();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
