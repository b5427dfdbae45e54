# Prints the sentences of a manual page's DESCRIPTION, RETURN VALUE and ERRORS, and of the section
# `also` if it is given, one a line. The input is the output of man: sections begin in column 1,
# paragraphs are separated by empty lines, list items begin with a bullet.

function flush() {
    gsub(/[ \t]+/, " ", paragraph)
    sub(/^ /, "", paragraph)
    sub(/ $/, "", paragraph)
    # A sentence ends with a full stop, behind which another begins with a capital.
    while (match(paragraph, /[.] [A-Z]/)) {
        print substr(paragraph, 1, RSTART)
        paragraph = substr(paragraph, RSTART + 2)
    }
    if (paragraph != "")
        print paragraph
    paragraph = ""
}

/^[A-Z]/ {
    flush()
    wanted = /^(DESCRIPTION|RETURN VALUE|ERRORS)$/ || $0 == also
    next
}

wanted && /^ *$/ {
    flush()
    next
}

wanted {
    sub(/^ *(o|•|\+|·) +/, "")
    paragraph = paragraph " " $0
}

END {
    flush()
}
