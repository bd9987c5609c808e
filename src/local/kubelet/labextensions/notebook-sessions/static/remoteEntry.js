/*
 * An extension of JupyterLab in the form that JupyterLab loads: a container of webpack's module federation. It is written by
 * hand, because it has no dependencies to bundle.
 *
 * When the session was stopped, the ingress responds with 424. JupyterLab then shows a dialog about a connection error, and
 * sends several requests in ten seconds for as long as the tab is open. This extension shows a dialog that the session was
 * stopped, and ends the requests.
 */
(() => {
  const stoppedStatus = 424;

  const plugin = {
    id: 'notebook-sessions:stopped',
    description: 'Shows a dialog when the session was stopped.',
    autoStart: true,
    activate: ({ serviceManager }) => {
      let isStopped = false;
      serviceManager.connectionFailure.connect((_sender, error) => {
        if (isStopped || error?.response?.status !== stoppedStatus) return;
        isStopped = true;
        disconnect(serviceManager.serverSettings);
        showDialog();
      });
    },
  };

  /** All parts of JupyterLab use these two to reach the server. */
  function disconnect(settings) {
    settings.fetch = () => Promise.reject(new TypeError('The session was stopped.'));
    settings.WebSocket = class extends EventTarget {
      readyState = 3;
      constructor() {
        super();
        queueMicrotask(() =>
          this.onclose?.(new CloseEvent('close', { code: 1001, reason: 'The session was stopped.' })),
        );
      }
      send() {
        // This socket never opens.
      }
      close() {
        // This socket is closed from the start.
      }
    };
  }

  function showDialog() {
    const dialog = document.createElement('dialog');
    dialog.id = 'notebook-sessions-stopped';
    dialog.setAttribute('aria-labelledby', 'notebook-sessions-stopped-title');
    Object.assign(dialog.style, {
      maxWidth: '32em',
      font: 'var(--jp-ui-font-size2, 16px) var(--jp-ui-font-family, sans-serif)',
    });
    const title = document.createElement('h2');
    title.id = 'notebook-sessions-stopped-title';
    title.textContent = 'This session was stopped';
    const text = document.createElement('p');
    text.textContent =
      'You cannot run or save anything in this tab. You can still read and copy what is open. If the project was launched again, reload this page.';
    const buttons = document.createElement('form');
    buttons.method = 'dialog';
    for (const [label, act] of [
      ['Stay on this page', undefined],
      ['Reload', () => window.location.reload()],
    ]) {
      const button = document.createElement('button');
      button.textContent = label;
      button.className = 'jp-mod-styled';
      if (act) button.addEventListener('click', act);
      buttons.append(button, ' ');
    }
    dialog.append(title, text, buttons);
    document.body.append(dialog);
    dialog.showModal();
  }

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB['notebook-sessions'] = {
    init: () => undefined,
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
