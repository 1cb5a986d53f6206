// Has pages load anew, or exchange their style sheets, when their files change. wsd adds it to pages while it watches
// files. The same text is the script of a page and, where a browser has such, that of a shared worker: so all pages of
// a browser need one connection together, of the few that it opens to a server.
(() => {
  "use strict";

  // Tells of each update since a state, by tell(kind, state), as long as this lives.
  function listen(address, state, tell, patience = 2000) {
    const stream = new URL(address);
    if (state) stream.searchParams.set("state", state);
    const source = new EventSource(stream);
    source.onmessage = ({ data, lastEventId }) => {
      state = lastEventId;
      tell(data, state);
    };
    source.onopen = () => { patience = 2000; };
    source.onerror = () => {
      // A browser asks again by itself where the connection was lost, and not where it was answered otherwise.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, patience, address, state, tell, Math.min(2 * patience, 60_000));
    };
  }

  const number = (state) => Number(state.split("-")[1]);
  const isBefore = (state, other) => state.split("-")[0] === other.split("-")[0] && number(state) < number(other);

  if (typeof document === "undefined") {
    const pages = new Set();
    let state = null;
    self.onconnect = ({ ports: [page] }) => {
      page.onmessage = ({ data }) => {
        if (data.isGone) {
          pages.delete(page);
          return;
        }
        pages.add(page);
        if (state === null) {
          state = data.state;
          listen(data.stream, state, (kind, reached) => {
            state = reached;
            for (const page of pages) page.postMessage({ kind, state });
          });
        } else if (isBefore(data.state, state)) {
          page.postMessage({ kind: "page", state });
        }
      };
    };
    return;
  }

  const script = document.currentScript;
  // A part of a page that was loaded later brings it again.
  if (!script || window.wsdWatch) return;
  window.wsdWatch = true;
  const stream = new URL("wsd-watch", script.src).href;
  let state = script.dataset.state;

  function follow(kind, reached) {
    if (reached === state) return;
    state = reached;
    // What a module has imported cannot be exchanged.
    if (kind === "style" && !document.adoptedStyleSheets?.length) exchangeStyles();
    else location.reload();
  }

  const leaving = new WeakSet();
  function exchangeStyles() {
    for (const link of document.querySelectorAll("link[rel~=stylesheet][href]")) {
      const address = new URL(link.href);
      if (address.origin !== location.origin || leaving.has(link)) continue;
      address.searchParams.set("wsd-watch", state);
      const other = link.cloneNode();
      other.href = address;
      // The old one stays until the new one is there, or the page would be bare for a moment.
      leaving.add(link);
      other.onload = () => link.remove();
      other.onerror = () => {
        other.remove();
        leaving.delete(link);
      };
      link.after(other);
    }
    for (const style of document.querySelectorAll("style")) {
      if (style.textContent.includes("@import")) style.replaceWith(style.cloneNode(true));
    }
  }

  let worker = null;
  try {
    worker = new SharedWorker(script.src, "wsd-watch");
  } catch {
    // There is none, or it is forbidden.
  }
  if (!worker) {
    listen(stream, state, follow);
    return;
  }
  worker.onerror = () => {
    worker.onerror = null;
    listen(stream, state, follow);
  };
  worker.port.onmessage = ({ data }) => follow(data.kind, data.state);
  const join = () => worker.port.postMessage({ stream, state });
  join();
  addEventListener("pagehide", () => worker.port.postMessage({ isGone: true }));
  // Back from where a browser keeps pages that one has left.
  addEventListener("pageshow", ({ persisted }) => persisted && join());
})();
