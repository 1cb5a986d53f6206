#!/usr/bin/env perl
use strict;
use warnings;

$| = 1;
while (my $line = <STDIN>) {
    my @words = split ' ', $line;
    print scalar(@words), " words, says Perl\n";
}
