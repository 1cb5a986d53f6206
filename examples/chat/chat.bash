#!/usr/bin/env bash
# A chat room as one program for all: wsd --share=tagged ./chat.bash

names=()   # of those who are in the room, by their IDs
event() {
    printf -v here ', %s' "${names[@]}"
    printf '*\t* %s, %d here: %s\n' "$1" "${#names[@]}" "${here:2}"
}
# IFS is empty, or read would take TABs and spaces off the line's ends.
while IFS= read -r line; do
    id=${line%%$'\t'*} text=${line#*$'\t'}
    if [[ $id == +* ]]; then
        names[${id#+}]=someone
        event 'someone joined'
    elif [[ $id == -* ]]; then
        old=${names[${id#-}]}
        unset "names[${id#-}]"
        event "$old left"
    elif [[ $text == '/name '* ]]; then
        old=${names[$id]} new=${text#/name } new=${new//[^[:alnum:]_-]/}
        names[$id]=${new:0:20} names[$id]=${names[$id]:-someone}
        event "$old is ${names[$id]}"
    else printf '*\t%s: %s\n' "${names[$id]}" "$text"; fi
done
