// PORT: what one client says all hear, by the library ws.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/clients/", import.meta.url));
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1" });
server.on("connection", (client) => {
  client.on("message", (message, isBinary) => {
    for (const other of server.clients) other.send(message, { binary: isBinary });
  });
});
