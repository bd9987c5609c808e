/*
 * An extension of JupyterLab, in the form that JupyterLab loads (a container of webpack's module federation), written
 * by hand because it needs nothing that would have to be bundled.
 *
 * When its session was stopped, the ingress answers 424. JupyterLab then shows a dialog about a connection error and
 * asks again several times in ten seconds for as long as the tab is open. This says what happened instead, and nothing
 * is asked any more.
 */
(() => {
  const stoppedStatus = 424;

  const plugin = {
    id: 'notebook-sessions:stopped',
    description: 'Tells that the session was stopped.',
    autoStart: true,
    activate: ({ serviceManager }) => {
      let isStopped = false;
      serviceManager.connectionFailure.connect((_sender, error) => {
        if (isStopped || error?.response?.status !== stoppedStatus) return;
        isStopped = true;
        disconnect(serviceManager.serverSettings);
        tell();
      });
    },
  };

  /** Every part of JupyterLab asks the server through these two. */
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
        // It never opens.
      }
      close() {
        // It is closed from the beginning.
      }
    };
  }

  function tell() {
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
      'Nothing can be run or saved here any more. What is open in this tab can still be read and copied. If the project was launched again meanwhile, load this page again.';
    const buttons = document.createElement('form');
    buttons.method = 'dialog';
    for (const [label, act] of [
      ['Stay on this page', undefined],
      ['Load again', () => window.location.reload()],
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
