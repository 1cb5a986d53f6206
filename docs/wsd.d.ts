// Types of /.well-known/wsd.mjs and /.well-known/wsd.js (docs/plain-http.md), for TypeScript with its library "dom".

/** What a WsdSocket takes beside what a WebSocket takes. */
export interface WsdSocketOptions {
  /** Milliseconds for a WebSocket to open, before it is given up for plain HTTP: 3000. Plain HTTP has ten times as many. */
  wait?: number;
  /** Whether a connection that was lost, or that the server ended with 1001, 1012 or 1013, is opened again: false. */
  reconnect?: boolean;
  /** Of requests to another origin in place of a WebSocket, as of fetch: "same-origin". */
  credentials?: RequestCredentials;
}

/** A WebSocket that goes on by plain HTTP where the network lets no WebSocket through. */
export default class WsdSocket extends EventTarget implements WebSocket {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;

  /** Puts it in the place of `WebSocket`. The options hold for all that are opened from then on. */
  static install(options?: WsdSocketOptions): void;

  /**
   * @throws {DOMException} SyntaxError for a bad URL or bad subprotocols.
   * @throws {TypeError} without a URL.
   */
  constructor(url: string | URL, protocols?: string | string[], options?: WsdSocketOptions);

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly url: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  /** The subprotocol that was selected; by plain HTTP none ever is. */
  readonly protocol: string;
  readonly extensions: string;
  binaryType: BinaryType;
  /** How it is connected, once it is. */
  readonly transport: "" | "websocket" | "http";

  onopen: ((this: WebSocket, event: Event) => unknown) | null;
  onmessage: ((this: WebSocket, event: MessageEvent) => unknown) | null;
  onerror: ((this: WebSocket, event: Event) => unknown) | null;
  onclose: ((this: WebSocket, event: CloseEvent) => unknown) | null;

  /**
   * @throws {DOMException} InvalidStateError before it has opened.
   * @throws {TypeError} without data.
   */
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void;

  /**
   * @throws {DOMException} InvalidAccessError for a code that is not the page's to send, SyntaxError for a reason over 123
   * bytes.
   */
  close(code?: number, reason?: string): void;

  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

type WsdSocketClass = typeof WsdSocket;

declare global {
  /** Set by /.well-known/wsd.js. */
  var WsdSocket: WsdSocketClass;
}
