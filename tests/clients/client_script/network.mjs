// A network between a client and a server, which treats WebSockets as networks do:
//   pass      lets all through
//   strip     knows no Upgrade, and takes it out of requests, as most proxies do
//   refuse    answers 400 to it
//   swallow   never answers it
import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function startNetwork(upstream, mode) {
  const { hostname, port } = new URL(upstream);
  const network = { mode, upgrades: 0, heads: [], answered: new Set(), isDown: false };
  const pairs = new Set();
  const server = createServer((client) => {
    if (network.isDown) return client.resetAndDestroy();
    let head = "";
    client.on("error", () => {});
    client.on("data", function read(piece) {
      head += piece.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      client.off("data", read).pause();
      const isUpgrade = /^upgrade: *websocket/im.test(head.slice(0, end));
      network.upgrades += isUpgrade;
      if (isUpgrade && network.mode === "swallow") return client.resume();
      if (isUpgrade && network.mode === "refuse") {
        return client.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      }
      if (isUpgrade && network.mode === "strip") {
        head = head.replace(/^(upgrade|connection|sec-websocket-[a-z]+): .*\r\n/gim, "");
      }
      const other = connect(port, hostname);
      const pair = [client, other];
      pairs.add(pair);
      network.heads.push(head);
      other.write(head, "latin1");
      client.on("data", (piece) => network.heads.push(head = piece.toString("latin1")));
      other.on("data", () => network.answered.add(head));
      for (const [from, to] of [pair, [other, client]]) {
        from.pipe(to);
        from.on("error", () => to.destroy()).on("close", () => pairs.delete(pair));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A script that fails ends all the same.
  server.unref();
  network.url = `http://127.0.0.1:${server.address().port}/`;
  network.cut = () => pairs.forEach((pair) => pair.forEach((socket) => socket.resetAndDestroy()));
  network.end = () => {
    network.cut();
    server.close();
  };
  return network;
}
