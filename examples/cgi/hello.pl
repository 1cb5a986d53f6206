#!/usr/bin/env perl
use strict;
use warnings;

$| = 1;
print "Content-Type: text/plain\n\n";
print "Hello from Perl, which counts:";
for my $number (1 .. 3) {
    print " $number";
    sleep 1;
}
print "\n";
