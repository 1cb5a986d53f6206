#!/usr/bin/env tclsh
fconfigure stdout -buffering line
while {[gets stdin line] >= 0} {
    puts "[regexp -all {\S+} $line] words, says Tcl"
}
