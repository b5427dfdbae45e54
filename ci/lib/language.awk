# Counts doc comments, those that begin with a word that tells nothing, and
# lines over 100 columns, for ci/language. With -v show=1 it prints where they are.

FNR == 1 { documented = 0 }

# The first line of a doc comment in Rust. A comment that continues the one above is not counted.
FILENAME ~ /\.rs$/ {
    starts = /^[ \t]*\/\/[\/!]( |$)/
    if (starts && !documented) {
        comments++
        if (/^[ \t]*\/\/[\/!] (What|Which|Of|That)[ ,.]/) {
            vague++
            if (show) print FILENAME ":" FNR ": " $0
        }
    }
    documented = starts
}

# A row of a table, in a document or in a comment, may be as wide as it needs.
{ gsub(/[\200-\277]/, "") } # A character of several bytes is one column.
length($0) > 100 && !/^[ \t]*(\/\/[\/!] |# )?\|.*\|$/ {
    wide++
    if (show) print FILENAME ":" FNR ": " length($0) " columns"
}

END { printf "%d %d %d\n", comments, vague, wide }
