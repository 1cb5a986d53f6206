#!/usr/bin/env tclsh
# What each member says is counted, and twenty times a second all are sent a state of 10 KiB.
fconfigure stdin -translation lf -encoding utf-8
fconfigure stdout -translation lf -encoding utf-8 -buffering line
proc play {} {
    set world [string repeat x [expr {10 * 1024 - 20}]]
    set heard 0
    while {[gets stdin line] >= 0} {
        switch -glob -- $line {
            [0-9]* { incr heard }
            .      { puts "*\t[format %-20d $heard]$world" }
        }
    }
}
play
