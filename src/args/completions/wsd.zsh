    # Go's -port is --port, in the words that are wsd's own.
    local -i at=2
    while ((at <= CURRENT)); do
        case $words[at] in
            --) break ;;
            -[^-]?*)
                words[at]=-$words[at]
                ((at == CURRENT)) && PREFIX=-$PREFIX
                ;;
            -*) ;;
            *) break ;;
        esac
        case $words[at] in
            FLAGS_WITH_VALUE) at+=1 ;;
        esac
        at+=1
    done
