#!/usr/bin/gawk -f
# A chat room as one program for all: wsd --share=tagged ./chat.awk

BEGIN { FS = "\t" }

/^\+/ { here[substr($1, 2)]; say("* someone joined, " length(here) " here") }
/^-/  { delete here[substr($1, 2)]; say("* someone left, " length(here) " here") }
/^[0-9]/ { say(substr($0, index($0, FS) + 1)) }

function say(text) {
    print "*" FS text
    fflush()   # awk keeps back what it prints to a pipe
}
