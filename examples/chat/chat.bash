#!/usr/bin/env bash
# A chat room as one program for all: wsd --share=tagged ./chat.bash

declare -A here   # the numbers of those who are in the room

# IFS is empty, or read would take TABs and spaces off the line's ends.
while IFS= read -r line; do
    case $line in
        +*) number=${line%%$'\t'*}
            here[${number#+}]=1
            printf '*\t* someone joined, %d here\n' "${#here[@]}" ;;
        -*) number=${line%%$'\t'*}
            unset "here[${number#-}]"
            printf '*\t* someone left, %d here\n' "${#here[@]}" ;;
        *)  printf '*\t%s\n' "${line#*$'\t'}" ;;
    esac
done
