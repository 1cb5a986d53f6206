#!/bin/sh
# Prints the environment that a program gets, sorted, one variable a line.
# (A few lines are the shell's own, PWD for one.)

env | LC_ALL=C sort
