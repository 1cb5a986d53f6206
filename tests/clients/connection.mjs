// A `ws` client whose messages are awaited one by one.
import { on, once } from "node:events";
import WebSocket from "ws";

export async function open(url, protocols = [], options = {}) {
  const socket = new WebSocket(url, protocols, options);
  const messages = on(socket, "message");
  const closed = new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(socket, "open");
  return {
    socket,
    closed,
    protocol: socket.protocol,
    send: (message) => socket.send(message),
    // The next message: a string, or a Buffer if it is binary.
    async next() {
      const early = closed.then(({ code, reason }) => {
        throw new Error(`closed with ${code} "${reason}" where a message was expected`);
      });
      const { value: [data, isBinary] } = await Promise.race([messages.next(), early]);
      return isBinary ? data : data.toString();
    },
    close(code, reason) {
      socket.close(code, reason);
      return closed;
    },
  };
}
