#!/usr/bin/env perl
# Sends each user to a socket of their own, and who is nobody away.
use strict;
use warnings;

my %socket_of = (
    alice => 'localhost:5901',
    bob   => 'unix:/run/desktops/bob.sock',
);
my $socket = $socket_of{ $ENV{REMOTE_USER} // '' } or exit 1;
print "Target: $socket\n\n";
