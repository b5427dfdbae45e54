# Compares the output of table.c on two libraries: differences.txt, ours, theirs. A difference that
# is not in the first file fails, and so does one that is there and no longer occurs. Rows that
# this system cannot make are not counted.

# The rows' names have no colon.
function name_of(line) {
    return substr(line, 1, index(line, ":") - 1)
}

function complain(text) {
    print text
    failed = 1
}

FNR == 1 {
    file++
}

file == 1 && !/^#/ && NF {
    if (split($0, column, " [|] ") != 3)
        complain("differences.txt has a line without three columns: " $0)
    expected_ours[column[1]] = column[1] ": " column[2]
    expected_theirs[column[1]] = column[1] ": " column[3]
}

file == 2 {
    name = name_of($0)
    if (name in ours)
        complain("two rows have one name: " name)
    ours[name] = $0
    order[++rows] = name
}

file == 3 {
    theirs[name_of($0)] = $0
    if (!(name_of($0) in ours))
        complain("only theirs has: " $0)
}

END {
    for (i = 1; i <= rows; i++) {
        name = order[i]
        if (ours[name] ~ /: cannot be made here$/) {
            print "not compared: " ours[name]
            delete expected_ours[name]
        } else if (ours[name] == theirs[name]) {
            same++
        } else if (ours[name] == expected_ours[name] && theirs[name] == expected_theirs[name]) {
            differ++
            delete expected_ours[name]
        } else {
            complain("a difference that is not intended:\n  ours:   " ours[name] \
                "\n  theirs: " theirs[name])
            delete expected_ours[name]
        }
    }
    for (name in expected_ours)
        complain("an intended difference that is no more: " name)
    printf "%d rows the same, %d different as intended\n", same, differ
    if (same == 0)
        complain("no row was compared")
    exit failed
}
