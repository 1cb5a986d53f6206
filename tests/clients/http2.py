# PORT SESSIONS: so many WebSockets on one connection of HTTP/2 all echo, and close in order.
import socket
import sys

import h2.config
import h2.connection
import h2.events

PATIENCE = 30  # seconds; never waited for when all is well
WINDOW = 2**24  # bytes that the server may send ahead on all streams


class Client:
    def __init__(self, port):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.connection = h2.connection.H2Connection(config)
        self.connection.initiate_connection()
        self.connection.increment_flow_control_window(WINDOW)
        self.status, self.received, self.ended = {}, {}, set()
        self.is_known = False
        self.wait_until(lambda: self.is_known)

    def wait_until(self, is_true):
        while not is_true():
            self.socket.sendall(self.connection.data_to_send())
            data = self.socket.recv(65536)
            assert data, "the server has closed the connection"
            for event in self.connection.receive_data(data):
                self.see(event)
        self.socket.sendall(self.connection.data_to_send())

    def see(self, event):
        match event:
            case h2.events.RemoteSettingsChanged():
                self.is_known = True
                assert self.connection.remote_settings.enable_connect_protocol == 1
            case h2.events.ResponseReceived():
                self.status[event.stream_id] = dict(event.headers)[":status"]
            case h2.events.DataReceived():
                self.received[event.stream_id] += event.data
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.ended.add(event.stream_id)
            case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                assert event.error_code == 0, event

    def open(self):
        stream = self.connection.get_next_available_stream_id()
        self.connection.send_headers(stream, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
            (":authority", f"localhost:{self.port}"), ("sec-websocket-version", "13"),
        ])
        self.received[stream] = b""
        self.wait_until(lambda: stream in self.status)
        assert self.status[stream] == "200", self.status[stream]
        return stream

    def send(self, stream, opcode, payload):
        frame = bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload
        self.connection.send_data(stream, frame)


def frame(opcode, payload):
    return bytes([0x80 | opcode, len(payload)]) + payload


client = Client(int(sys.argv[1]))
streams = [client.open() for _ in range(int(sys.argv[2]))]
expected = {stream: frame(1, f"hello {stream}".encode()) for stream in streams}
for stream in streams:
    client.send(stream, 1, f"hello {stream}".encode())
client.wait_until(lambda: client.received == expected)
for stream in streams:
    client.send(stream, 8, b"\x03\xe8")
client.wait_until(lambda: len(client.ended) == len(streams))
assert all(client.received[stream] == expected[stream] + frame(8, b"\x03\xe8") for stream in streams)
