#!/usr/bin/env tclsh
# A chat room as one program for all: wsd --share=tagged ./chat.tcl

fconfigure stdin -translation lf -encoding utf-8
fconfigure stdout -translation lf -encoding utf-8 -buffering line
array set here {}   ;# the numbers of those who are in the room

while {[gets stdin line] >= 0} {
    set rest [lassign [split $line \t] who]
    set number [string range $who 1 end]
    switch -glob -- $who {
        +*      { set here($number) 1; puts "*\t* someone joined, [array size here] here" }
        -*      { unset -nocomplain here($number); puts "*\t* someone left, [array size here] here" }
        default { puts "*\t[join $rest \t]" }
    }
}
