#!/usr/bin/env bash
# What each member says is counted, and twenty times a second all are sent a state of 10 KiB.
printf -v world '%*s' $((10 * 1024 - 20)) ''
world=${world// /x}
heard=0
while IFS= read -r line; do
    case $line in
        [0-9]*) heard=$((heard + 1)) ;;
        .)      printf '*\t%-20d%s\n' "$heard" "$world" ;;
    esac
done
