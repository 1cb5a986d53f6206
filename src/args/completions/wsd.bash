
_wsd() {
    local line=$COMP_LINE words=() at=() i last cur
    COMPREPLY=()
    # bash splits words at = and : too; those that no space separates are one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
            words+=("${COMP_WORDS[i]}")
            at+=("$i")
        else
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        fi
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#"${COMP_WORDS[i]}"}
    done
    last=$((${#words[@]} - 1))
    cur=${words[last]}

    for ((i = 1; i < last; i++)); do
        case ${words[i]} in
            --) ((++i)) && break ;;
            FLAGS_WITH_VALUE) ((++i)) ;;
            -*) ;;
            *) break ;;
        esac
    done

    if ((i > last)); then
        local flag=${words[last - 1]#-}
        _wsd_options "$1" "$cur" "--${flag#-}"
    elif ((i < last)); then
        # The command's own words, for those who know it; else bash completes files.
        declare -F _command_offset >/dev/null && _command_offset "${at[i]}"
    elif [[ $cur == -*=* && ${words[last - 1]} != -- ]]; then
        local flag=${cur%%=*}
        flag=${flag#-}
        _wsd_options "$1" "${cur#*=}" "--${flag#-}"
    elif [[ $cur == -[!-]* && ${words[last - 1]} != -- ]]; then
        # Go's -port, which has to begin as it was typed.
        _wsd_options "$1" "-$cur" ""
        COMPREPLY=("${COMPREPLY[@]/#--/-}")
    elif [[ $cur == -* && ${words[last - 1]} != -- ]]; then
        _wsd_options "$1" "$cur" ""
    else
        COMPREPLY=($(compgen -c -- "$cur"))
    fi
}

complete -F _wsd -o bashdefault -o default wsd
