#!/bin/sh
# PORT: what one client says all hear, by nginx with nchan, in one process that this becomes.
set -eu
folder=$(mktemp -d)
modules=/usr/lib/nginx/modules
cat >"$folder/nginx.conf" <<CONF
load_module $modules/ngx_nchan_module.so;
daemon off;
master_process off;
pid $folder/pid;
error_log stderr error;
events { worker_connections 25000; }
http {
    access_log off;
    client_body_temp_path $folder;
    proxy_temp_path $folder;
    fastcgi_temp_path $folder;
    uwsgi_temp_path $folder;
    scgi_temp_path $folder;
    nchan_max_reserved_memory 256m;
    server {
        listen 127.0.0.1:$1;
        location = /bench {
            nchan_pubsub websocket;
            nchan_channel_id bench;
            nchan_message_buffer_length 0;
            nchan_store_messages off;
            nchan_subscriber_first_message newest;
        }
    }
}
CONF
exec "$(command -v nginx || echo /usr/sbin/nginx)" -p "$folder" -e stderr -c "$folder/nginx.conf"
