#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "Hello from the shell. You asked for ${PATH_INFO:-nothing more}."
