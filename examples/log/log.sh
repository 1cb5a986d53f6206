#!/usr/bin/env bash
# Follows a log file, and shows what has a text in it: log.sh FILE. Each line from the page is such a text, empty for all.
file=${1:?the log file is missing}
[[ -r $file ]] || { echo "log.sh: $file cannot be read" >&2; exit 1; }

# tail ends when grep does, so that one is left of both when the text changes.
show() { exec grep --line-buffered -iF -e "$1" < <(exec tail -n 1000 -F -- "$file" 2>/dev/null); }

show '' &
while IFS= read -r text; do
    kill $! && wait $! 2>/dev/null
    printf '==> %s\n' "$text"
    show "$text" &
done
kill $!
