// A page that is opened from a folder may start no worker. The search then runs in a hidden frame
// of the page, which answers to the same messages.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(address) {
      super();
      this.ready = new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.hidden = true;
        frame.title = "search";
        document.body.append(frame);
        const inside = frame.contentWindow;
        inside.importScripts = (...addresses) => Promise.all(addresses.map((each) => load(inside, each)));
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        load(inside, address).then(() => resolve(inside));
      });
    }

    postMessage(data) {
      this.ready.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data })));
    }

    terminate() {}
  };
  window.Worker = window.IFrameWorker;
}

// Resolves once a script has run in a frame.
function load(inside, address) {
  return new Promise((resolve, reject) => {
    const script = inside.document.createElement("script");
    script.src = new URL(address, location.href);
    script.onload = resolve;
    script.onerror = reject;
    inside.document.head.append(script);
  });
}
