#!/bin/sh
# nats-server with a WebSocket and no other client's port of use; $1 is the WebSocket's.
set -eu

folder=$(mktemp -d)
cat >"$folder/nats.conf" <<END
listen: "127.0.0.1:-1"
ping_interval: "1h"
max_connections: 20000
write_deadline: "60s"
websocket { listen: "127.0.0.1:$1", no_tls: true }
END
exec nats-server --config "$folder/nats.conf" --log /dev/null
