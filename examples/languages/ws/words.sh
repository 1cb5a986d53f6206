#!/bin/sh
# set -f: a * in a line is a word, not the files here.
set -f
while read -r line; do
    set -- $line
    echo "$# words, says sh"
done
