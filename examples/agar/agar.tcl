#!/usr/bin/env tclsh
# Agar: eat what is smaller, flee what is larger. One program for all players:
#
#     wsd --staticdir=examples/agar --share=tagged --tick=50 examples/agar/agar.tcl [BOTS [PELLETS]]
#
# A ball moves in a straight line, at constant speed, until its player steers or it grows: so players are told of it only
# then, and draw its way on by themselves (dead reckoning). Who stands still, or goes straight on, costs nothing.
#
#   to a player     TIME RECORD|RECORD|…      milliseconds; the first message has all there is, the next ones what has changed
#     w SIZE          the world is a square of this size      n ID HUE NAME         a ball has come
#     y ID            this ball is yours                      b ID X Y VX VY MASS   where it is at TIME; per second
#     f ID X Y        there is a pellet                       x ID BY               it is gone, eaten by a ball, or left (0)
#     e ID BY         a ball has eaten it
#   from a player   play NAME                 and, in percent of full speed, with FAST 0 or 1:   go DX DY FAST

lassign {3000 100 20} SIZE CELL BIRTH   ;# of the world; of the squares in which pellets lie; mass
lassign {6 450} BOTS PELLETS
foreach variable {BOTS PELLETS} value [lrange $argv 0 1] {
    if {![string is digit $value]} {puts stderr "agar.tcl: '$value' is no number"; exit 2}
    if {$value ne ""} {set $variable [scan $value %d]}
}
fconfigure stdin -translation lf -encoding utf-8
fconfigure stdout -translation lf -encoding utf-8 -buffering line

# Of a ball, by its ID (a member's number, or a bot's name): where it is, how fast, and when; what its player wants.
foreach variable {x y vx vy at mass name hue wish} {array set $variable {}}
# Of a pellet, by its number: where it lies; and the pellets of each square.
foreach variable {fx fy square} {array set $variable {}}
array set changed {}   ;# the balls that all are to be told of
set news {}            ;# what else they are to be told
lassign {0 0} pellet ticks
set start [clock milliseconds]

proc now {} {expr {[clock milliseconds] - $::start}}
proc clamp {value} {expr {$value < 0 ? 0 : $value > $::SIZE ? $::SIZE : $value}}
proc anywhere {} {expr {rand() * $::SIZE}}
proc radius {id} {expr {6 * sqrt($::mass($id))}}
proc distance {a b} {expr {hypot($::x($a) - $::x($b), $::y($a) - $::y($b))}}
proc can_eat {a b} {expr {$::mass($a) > 1.25 * $::mass($b)}}

# ---------------------------------------------------------------- pellets

proc square_of {px py} {return [expr {int($px) / $::CELL}],[expr {int($py) / $::CELL}]}

proc put_pellet {px py} {
    set number [incr ::pellet]
    set ::fx($number) [expr {round([clamp $px])}]
    set ::fy($number) [expr {round([clamp $py])}]
    lappend ::square([square_of $::fx($number) $::fy($number)]) $number
    lappend ::news "f $number $::fx($number) $::fy($number)"
}

proc take_pellet {number by} {
    set key [square_of $::fx($number) $::fy($number)]
    set ::square($key) [lsearch -all -inline -not -exact $::square($key) $number]
    unset ::fx($number) ::fy($number)
    lappend ::news "e $number $by"
}

# The pellets that a circle around a ball covers, the nearest first; only the squares that it touches are looked at.
proc pellets_within {reach id} {
    set found {}
    for {set px [expr {$::x($id) - $reach}]} {$px < $::x($id) + $reach + $::CELL} {set px [expr {$px + $::CELL}]} {
        for {set py [expr {$::y($id) - $reach}]} {$py < $::y($id) + $reach + $::CELL} {set py [expr {$py + $::CELL}]} {
            set key [square_of $px $py]
            if {![info exists ::square($key)]} continue
            foreach number $::square($key) {
                set gap [expr {hypot($::fx($number) - $::x($id), $::fy($number) - $::y($id))}]
                if {$gap < $reach} {dict set found $number $gap}
            }
        }
    }
    return [dict keys [lsort -real -stride 2 -index 1 $found]]
}

# ---------------------------------------------------------------- balls

proc come {id called} {
    if {[info exists ::x($id)]} return
    # Of some places the one that is farthest from anybody.
    set best -1
    foreach try {1 2 3 4 5 6} {
        lassign [list [anywhere] [anywhere] $::SIZE] px py room
        foreach other [array names ::x] {
            if {$other ne $id} {set room [expr {min($room, hypot($::x($other) - $px, $::y($other) - $py))}]}
        }
        if {$room > $best} {lassign [list $room $px $py] best ::x($id) ::y($id)}
    }
    set ::at($id) [now]
    set ::mass($id) $::BIRTH
    set ::wish($id) {0 0 0}
    set ::hue($id) [expr {int(rand() * 360)}]
    set ::name($id) [string trim [string range [string map {| ""} $called] 0 15]]   ;# a record is over at a bar
    lappend ::news "n $id $::hue($id) $::name($id)"
    steer $id
}

proc go_away {id by} {
    if {![info exists ::x($id)]} return
    foreach variable {x y vx vy at mass wish hue name changed} {unset -nocomplain ::${variable}($id)}
    lappend ::news "x $id $by"
}

# Where it goes from now on; the larger, the slower. Whole numbers, so that players reckon as we do.
proc steer {id} {
    lassign $::wish($id) dx dy fast
    set speed [expr {420 * $::mass($id) ** -0.22 * ($fast && $::mass($id) > $::BIRTH ? 1.7 : 1)}]
    set length [expr {max(100, hypot($dx, $dy))}]
    set ::vx($id) [expr {round($dx * $speed / $length)}]
    set ::vy($id) [expr {round($dy * $speed / $length)}]
    set ::changed($id) 1
}

proc grow {id by} {
    incr ::mass($id) $by
    steer $id
}

proc move {id now} {
    set seconds [expr {($now - $::at($id)) / 1000.0}]
    set ::x($id) [clamp [expr {$::x($id) + $::vx($id) * $seconds}]]
    set ::y($id) [clamp [expr {$::y($id) + $::vy($id) * $seconds}]]
    set ::at($id) $now
}

proc eat {id} {
    foreach number [pellets_within [radius $id] $id] {
        take_pellet $number $id
        grow $id 1
    }
    # Whoever is lighter by a fifth, and mostly covered.
    foreach other [array names ::x] {
        if {[can_eat $id $other] && [distance $id $other] < [radius $id] - 0.4 * [radius $other]} {
            set meal $::mass($other)
            go_away $other $id
            grow $id $meal
        }
    }
}

# Who hurries leaves some of itself behind; who is large wastes away.
proc lose {id} {
    if {[lindex $::wish($id) 2] && $::mass($id) > $::BIRTH && $::ticks % 3 == 0} {
        set back [expr {-1.3 * [radius $id] / max(1, hypot($::vx($id), $::vy($id)))}]
        put_pellet [expr {$::x($id) + $::vx($id) * $back}] [expr {$::y($id) + $::vy($id) * $back}]
        grow $id -1
    } elseif {$::mass($id) > 100 && $::ticks % 20 == 0} {
        grow $id [expr {-($::mass($id) / 200 + 1)}]
    }
}

# ---------------------------------------------------------------- bots

# Away from who could eat it, else towards whom it could eat, else to the next pellet, else anywhere.
proc think {id} {
    lassign [list 500 [anywhere] [anywhere]] best px py
    set near [pellets_within 250 $id]
    if {[llength $near]} {lassign [list $::fx([lindex $near 0]) $::fy([lindex $near 0])] px py}
    foreach other [array names ::x] {
        set gap [expr {[distance $id $other] - [radius $other]}]
        if {$gap < 250 && [can_eat $other $id]} {
            return [aim $id [expr {2 * $::x($id) - $::x($other)}] [expr {2 * $::y($id) - $::y($other)}] [expr {$gap < 80}]]
        }
        if {$gap < $best && [can_eat $id $other]} {lassign [list $gap $::x($other) $::y($other)] best px py}
    }
    aim $id $px $py 0
}

proc aim {id px py fast} {
    set dx [expr {$px - $::x($id)}]
    set dy [expr {$py - $::y($id)}]
    set length [expr {max(1, hypot($dx, $dy)) / 100}]
    set ::wish($id) [list [expr {round($dx / $length)}] [expr {round($dy / $length)}] $fast]
    steer $id
}

proc tick {} {
    incr ::ticks
    set now [now]
    for {set n 1} {$n <= $::BOTS} {incr n} {
        if {[info exists ::x(bot$n)]} {
            if {($::ticks + $n) % 6 == 0} {move bot$n $now; think bot$n}
        } elseif {$::ticks % 60 == $n % 60} {
            come bot$n [lindex {Ada Grace Edsger Barbara Alan Donald} [expr {$n % 6}]]
        }
    }
    foreach id [array names ::x] {move $id $now}
    foreach id [array names ::x] {
        if {[info exists ::x($id)]} {eat $id; lose $id}
    }
    while {[array size ::fx] < $::PELLETS} {put_pellet [anywhere] [anywhere]}
    tell_news
}

# ---------------------------------------------------------------- what members are told, and say

# Where a ball is now, in a form that holds until it is steered.
proc ball {id now} {
    move $id $now
    format "b %s %.1f %.1f %d %d %d" $id $::x($id) $::y($id) $::vx($id) $::vy($id) $::mass($id)
}

proc tell_news {{to *}} {
    set now [now]
    foreach id [array names ::changed] {lappend ::news [ball $id $now]}
    if {[llength $::news]} {puts "$to\t$now [join $::news |]"}
    array unset ::changed
    set ::news {}
}

proc welcome {member} {
    tell_news *!$member   ;# who is told all at once need not be told it twice
    set now [now]
    set all [list "w $::SIZE" "y $member"]
    foreach number [array names ::fx] {lappend all "f $number $::fx($number) $::fy($number)"}
    foreach id [array names ::x] {lappend all "n $id $::hue($id) $::name($id)" [ball $id $now]}
    puts "$member\t$now [join $all |]"
}

proc hear {member text} {
    if {[string match "play *" $text]} {
        come $member [string range $text 5 end]
    } elseif {[info exists ::x($member)] && [scan $text "go %4d %4d %1d%c" dx dy fast rest] == 3} {
        move $member [now]
        set ::wish($member) [list $dx $dy $fast]
        steer $member
    }
}

while {[gets stdin line] >= 0} {
    set text [join [lassign [split $line \t] who] \t]
    switch -glob -- $who {
        .       tick
        +*      {welcome [string range $who 1 end]}
        -*      {go_away [string range $who 1 end] 0}
        default {hear $who $text}
    }
}
