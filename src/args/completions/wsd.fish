function __wsd_command_at --description 'Where COMMAND stands among the words before the cursor'
    set -l words (commandline -opc)
    set -l i 2
    while test $i -le (count $words)
        switch $words[$i]
            case --
                set i (math $i + 1)
                break
            case FLAGS_WITH_VALUE
                set i (math $i + 2)
            case '-*'
                set i (math $i + 1)
            case '*'
                break
        end
    end
    echo $i
end

function __wsd_has_command
    test (__wsd_command_at) -le (count (commandline -opc))
end

function __wsd_names_command
    not __wsd_has_command; and not string match -q -- '-*' (commandline -ct)
end

function __wsd_complete_command
    set -l words (commandline -opc)
    set -l command $words[(__wsd_command_at)..]
    complete -C (string join ' ' -- (string escape -- $command) (commandline -ct))
end

complete -c wsd -n __wsd_has_command -f -a '(__wsd_complete_command)'
complete -c wsd -n 'not __wsd_has_command' -f
complete -c wsd -n __wsd_names_command -f -a '(__fish_complete_command)'
