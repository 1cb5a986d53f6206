#!/usr/bin/sed -Eunf
# The cursors of all: "X Y" goes on as "ID X Y" to all others, who leaves as "ID"; who joins makes all say where they are.

s/^([0-9]+)\t([0-9]{1,4} [0-9]{1,4})$/*!\1\t\1 \2/p
s/^-([0-9]+).*/*\t\1/p
s/^\+([0-9]+).*/*!\1\t?/p
