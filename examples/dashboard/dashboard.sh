#!/bin/sh
# A line a second of how busy this machine is, in vmstat's columns. Without vmstat (Debian: procps) what /proc tells of them.
if command -v vmstat >/dev/null; then exec vmstat -n 1; fi
[ -r /proc/stat ] || { echo "vmstat is missing, and there is no /proc/stat" >&2; exit 1; }

echo 'r b swpd free buff cache si so bi bo in cs us sy id wa st'
while { cat /proc/stat; sleep 1; cat /proc/stat /proc/meminfo; } | awk '
    /^cpu / { total = 0; for (n = 2; n <= 9; n++) { spent[n] = $n - before[n]; before[n] = $n; total += spent[n] } }
    /^(intr|ctxt|procs)/ { change[$1] = $2 - value[$1]; value[$1] = $2 }
    /^(Mem|Swap|Buffers|Cached)/ { value[$1] = $2 }
    function percent(time) { return int(100 * time / total + 0.5) }
    END {
        print value["procs_running"], value["procs_blocked"], value["SwapTotal:"] - value["SwapFree:"], value["MemFree:"],
            value["Buffers:"], value["Cached:"], 0, 0, 0, 0, change["intr"], change["ctxt"], percent(spent[2] + spent[3]),
            percent(spent[4] + spent[7] + spent[8]), percent(spent[5]), percent(spent[6]), percent(spent[9])
    }'
do :; done
