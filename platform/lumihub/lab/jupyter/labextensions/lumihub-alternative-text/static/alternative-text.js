// Notebooks keep the alternative text of a picture in the output's metadata, {"image/png": {"alt": "..."}}, where
// nbconvert reads it. JupyterLab 4.6 does not, so this puts it where screen readers look. It is written as JupyterLab
// loads an extension: a container of webpack's module federation, which shares JupyterLab's own modules.
(() => {
  let shared;

  async function loadPlugin() {
    const [rendermime] = Object.values(shared["@jupyterlab/rendermime"]);
    const { IRenderMimeRegistry, imageRendererFactory } = (await rendermime.get())();

    function createRenderer(options) {
      const renderer = imageRendererFactory.createRenderer(options);
      const render = renderer.render.bind(renderer);
      renderer.render = async (model) => {
        await render(model);
        const alt = model.metadata[options.mimeType]?.alt;
        if (typeof alt === "string") {
          renderer.node.querySelector("img").alt = alt;
        }
      };
      return renderer;
    }

    const plugin = {
      id: "lumihub-alternative-text:plugin",
      description: "Gives pictures the alternative text that their metadata holds.",
      autoStart: true,
      requires: [IRenderMimeRegistry],
      activate: (_, registry) => registry.addFactory({ ...imageRendererFactory, createRenderer }),
    };
    return () => ({ __esModule: true, default: plugin });
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["lumihub-alternative-text"] = {
    init: (scope) => {
      shared = scope;
    },
    get: loadPlugin,
  };
})();
