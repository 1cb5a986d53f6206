#!/usr/bin/env tclsh
# A chat room as one program for all: wsd --share=tagged ./chat.tcl

fconfigure stdin -translation lf -encoding utf-8
fconfigure stdout -translation lf -encoding utf-8 -buffering line
set names {}   ;# of those who are in the room, by their IDs

proc event {text} {
    puts "*\t* $text, [dict size $::names] here: [join [dict values $::names] {, }]"
}
while {[gets stdin line] >= 0} {
    set text [join [lassign [split $line \t] who] \t]
    set id [string trimleft $who +-]
    set name [expr {[dict exists $names $id] ? [dict get $names $id] : "someone"}]
    switch -regexp -- $line {
        {^\+} { dict set names $id $name; event "$name joined" }
        {^-}  { dict unset names $id; event "$name left" }
        {^\d+\t/name } {
            set new [string range [regsub -all {[^\w-]} [string range $text 6 end] ""] 0 19]
            dict set names $id [expr {$new eq "" ? "someone" : $new}]
            event "$name is [dict get $names $id]"
        }
        default { puts "*\t$name: $text" }
    }
}
