#!/usr/bin/env tclsh
# A chat room on a TCP port: a line from one client goes to all, the sender too.
#
# Usage: chat_server.tcl [PORT]    (default: $CHAT_PORT, else 7777)

set max_line [expr {64 * 1024}]        ;# bytes; who sends a longer line is dropped
set max_backlog [expr {1024 * 1024}]   ;# bytes waiting for a client; who reads too slowly is dropped
set names {}                           ;# of those who are in the room, by the channel of each

proc tell_all {line} {
    foreach client [dict keys $::names] {
        # Never waits: what the network does not take yet is kept.
        if {[catch {puts $client $line; flush $client}]
                || [chan pending output $client] > $::max_backlog} {
            leave $client
        }
    }
}

proc event {text} {
    set here [join [dict values $::names] {, }]
    tell_all [encoding convertto utf-8 "* $text, [dict size $::names] here: $here"]
}

proc leave {client} {
    if {![dict exists $::names $client]} return
    set name [dict get $::names $client]
    dict unset ::names $client
    catch {close $client}   ;# does not wait either; what was kept goes out if the client ever reads on
    event "$name left"
}

proc enter {client address port} {
    # Bytes pass as they are, so any UTF-8 does.
    chan configure $client -blocking 0 -translation binary
    chan event $client readable [list receive $client]
    dict set ::names $client someone
    event "someone joined"
}

proc receive {client} {
    if {[catch {gets $client line} length]} {
        leave $client   ;# vanished
    } elseif {$length >= 0} {
        hear $client [string trimright $line "\r"]
    } elseif {[eof $client] || [chan pending input $client] > $::max_line} {
        leave $client
    }
}

proc hear {client line} {
    set old [dict get $::names $client]
    if {![string match "/name *" $line]} {
        tell_all [encoding convertto utf-8 "$old: "]$line
        return
    }
    set name [encoding convertfrom utf-8 [string range $line 6 end]]
    set name [string range [regsub -all {[^\w-]} $name ""] 0 19]
    dict set ::names $client [expr {$name eq "" ? "someone" : $name}]
    event "$old is [dict get $::names $client]"
}

set port 7777
if {[info exists env(CHAT_PORT)]} {set port $env(CHAT_PORT)}
if {$argc > 0} {set port [lindex $argv 0]}
if {[catch {socket -server enter -myaddr 127.0.0.1 $port} listener]} {
    puts stderr "chat_server.tcl: port $port: $listener"
    exit 1
}
puts "chat server listening on 127.0.0.1:[lindex [chan configure $listener -sockname] 2]"
flush stdout
vwait forever   ;# until a signal ends it
