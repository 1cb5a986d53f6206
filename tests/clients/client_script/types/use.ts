// What docs/wsd.d.ts lets a program do, and what not.
import WsdSocket, { type WsdSocketOptions } from "../../../../docs/wsd.js";

const options: WsdSocketOptions = { wait: 1000, reconnect: true, credentials: "include" };
const socket: WebSocket = new WsdSocket(new URL("ws://localhost/"), ["chat"], options);
const own = new WsdSocket("/", "chat");
own.binaryType = "arraybuffer";
own.onmessage = ({ data }) => own.send(data);
own.addEventListener("close", ({ code, reason, wasClean }) => console.log(code.toFixed(), reason.length, wasClean, socket.url));
own.send(new Uint8Array(1));
own.close(4000, "why");
const transport: "" | "websocket" | "http" = own.transport;
const state: boolean = own.readyState === WsdSocket.OPEN;
WsdSocket.install({ reconnect: state });
console.log(transport, new globalThis.WsdSocket("ws://localhost/").protocol);

// @ts-expect-error: it has no such option.
new WsdSocket("/", [], { patience: 1 });
// @ts-expect-error: what is no message.
own.send(5);
// @ts-expect-error: it is read only.
own.readyState = 1;
