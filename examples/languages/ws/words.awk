#!/usr/bin/awk -f
{
    print NF " words, says awk"
    fflush()
}
