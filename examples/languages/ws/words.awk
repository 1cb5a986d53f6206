#!/usr/bin/env -S mawk -W interactive -f
# mawk, Debian's awk, would wait for some kilobytes of input otherwise; others read line by line.
{
    print NF " words, says awk"
    fflush()
}
