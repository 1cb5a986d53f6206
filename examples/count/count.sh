#!/bin/sh
# Counts from 1 to 10, one number a second.

for n in 1 2 3 4 5 6 7 8 9 10; do
    echo "$n"
    sleep 1
done
