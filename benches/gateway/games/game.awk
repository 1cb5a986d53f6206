#!/usr/bin/gawk -f
# What each member says is counted, and twenty times a second all are sent a state of 10 KiB.
BEGIN { world = sprintf("%*s", 10 * 1024 - 20, ""); gsub(/ /, "x", world) }
/^[0-9]/ { heard++ }
/^\./ { printf "*\t%-20d%s\n", heard, world; fflush() }
