#!/bin/sh
# Starts a chat server and wsd before it; when wsd ends, in whatever way, the chat server is stopped.
#
# Usage: start.sh [py|tcl] [more wsd options]
# Environment: WSD (the wsd to run), CHAT_PORT (default 7777), WSD_PORT (default 8082)

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
top=$(dirname -- "$(dirname -- "$here")")

language=py
case ${1:-} in
    py|tcl) language=$1; shift ;;
    -*|'') ;;
    *) echo "start.sh: '$1' is no language of the chat server: py or tcl" >&2; exit 2 ;;
esac

pipes=$(mktemp -d) || exit 1
mkfifo "$pipes/ready" "$pipes/alive" || exit 1

# Runs the chat server for as long as anybody holds the other end of the pipe "alive". That is this script, and then
# wsd, which takes this script's place below: the system closes the pipe when wsd ends, even if it is killed.
keep_chat_server() {
    trap '' HUP INT   # Ctrl-C is for wsd, which closes its connections first
    "$here/chat_server.$language" "${CHAT_PORT:-7777}" >"$pipes/ready" </dev/null &
    read -r _
    kill $! 2>/dev/null
}
keep_chat_server <"$pipes/alive" &
exec 3>"$pipes/alive"

read -r ready <"$pipes/ready"
rm -rf "$pipes"
if [ -z "$ready" ]; then
    echo "start.sh: the chat server did not start" >&2
    exit 1
fi
echo "$ready"
port=${ready##*:}

# socat ends when the chat server does, and when its page does. nc notices the first only at the next message, and does
# not end at the end of its input, so a stop need not wait for it.
set -- --port="${WSD_PORT:-8082}" --staticdir="$here" --drain-timeout=1 "$@"
if command -v socat >/dev/null; then
    set -- "$@" socat - "TCP4:localhost:$port"
else
    set -- "$@" nc localhost "$port"
fi
if [ -n "${WSD:-}" ]; then
    exec "$WSD" "$@"
elif [ -x "$top/target/release/wsd" ]; then
    exec "$top/target/release/wsd" "$@"
elif command -v wsd >/dev/null; then
    exec wsd "$@"
else
    exec cargo run --release --manifest-path "$top/Cargo.toml" -- "$@"
fi
