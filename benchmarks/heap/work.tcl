# What the benchmark of the heap has tclsh do: dictionaries, lists, strings.
set seed 1
proc some {below} {
    global seed
    set seed [expr {($seed * 1103515245 + 12345) % 2147483648}]
    return [expr {$seed / 65536 % $below}]
}

proc lines {count} {
    for {set i 0} {$i < $count} {incr i} {
        set line {}
        for {set k 0} {$k < 8} {incr k} {append line " word" [some 3000]}
        dict set all $i [lrange $line 0 end]
    }
    return [dict values $all]
}

proc count {lines} {
    set places [dict create]
    foreach line $lines {foreach word $line {dict lappend places $word [string length $line]}}
    return $places
}

set lines [lines 25000]
set places [count $lines]
set text [join $lines "\n"]
regsub -all {word(\d)(\d*)} $text {\2w\1} text
set sorted [lsort -unique [split $text " \n"]]
puts "[dict size $places] [string length $text] [llength $sorted] [llength [lsort -index 3 $lines]]"
