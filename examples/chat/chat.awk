#!/usr/bin/gawk -f
# A chat room as one program for all: wsd --share=tagged ./chat.awk

BEGIN { FS = "\t"; PROCINFO["sorted_in"] = "@ind_num_asc" }

{ text = substr($0, index($0, FS) + 1) }
/^\+/ { name[substr($1, 2)] = "someone"; event("someone joined"); next }
/^-/ { old = name[substr($1, 2)]; delete name[substr($1, 2)]; event(old " left"); next }
text ~ /^\/name / {
    old = name[$1]
    new = substr(gensub(/[^[:alnum:]_-]/, "", "g", substr(text, 7)), 1, 20)
    name[$1] = new == "" ? "someone" : new
    event(old " is " name[$1])
    next
}
{ say(name[$1] ": " text) }

function event(what,    id, here) {
    for (id in name) here = here (here ? ", " : "") name[id]
    say("* " what ", " length(name) " here: " here)
}
function say(text) { print "*" FS text; fflush() }   # awk keeps back what it prints to a pipe
