# Makes a manual page of one of these files: headings, paragraphs, lists, code, `bold`, **bold**,
# *italic*. No more is needed. The files are the functions' Rust documentation too (src/call/).
# Variables: section (3 unless it is given), version.

# Text with its marks: code spans first, since nothing else has a meaning in them.
function inline(text,    result, parts, n, i) {
    gsub(/\\/, "\\e", text)
    n = split(text, parts, "`")
    if (n % 2 == 0) {
        print FILENAME ":" FNR ": a code span does not end in its paragraph" >"/dev/stderr"
        failed = 1
    }
    for (i = 1; i <= n; i++) {
        if (i % 2 == 0) {
            gsub(/-/, "\\-", parts[i])
            result = result "\\fB" parts[i] "\\fR"
        } else {
            result = result marks(marks(parts[i], "\\*\\*[^*]+\\*\\*", 2, "\\fB"),
                "\\*[^*]+\\*", 1, "\\fI")
        }
    }
    return result
}

function marks(text, pattern, width, font,    before) {
    while (match(text, pattern)) {
        before = before substr(text, 1, RSTART - 1) font \
            substr(text, RSTART + width, RLENGTH - 2 * width) "\\fR"
        text = substr(text, RSTART + RLENGTH)
    }
    return before text
}

# A line must not begin with a request's sign.
function put(text) {
    print (text ~ /^[.']/ ? "\\&" : "") text
}

function flush() {
    if (paragraph != "") {
        if (!begun)
            print ".PP"
        put(inline(paragraph))
    }
    paragraph = ""
    begun = 0
}

FNR == 1 {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.md$/, "", name)
    printf ".TH %s %s \"\" \"pmem2 %s\" \"pmem2\"\n", toupper(name), section ? section : 3, version
}

/^```/ {
    flush()
    code = !code
    print code ? (begun ? "" : ".PP\n") ".in +4n\n.nf\n.ft B" : ".ft R\n.fi\n.in"
    begun = 0
    next
}

code {
    gsub(/\\/, "\\e")
    gsub(/-/, "\\-")
    put($0)
    next
}

/^# / {
    flush()
    print ".SH " substr($0, 3)
    begun = 1
    next
}

/^- / {
    flush()
    print ".IP \\(bu 2"
    begun = 1
    paragraph = substr($0, 3)
    next
}

/^$/ {
    if (paragraph != "")
        flush()
    next
}

{
    sub(/^ +/, "")
    paragraph = paragraph (paragraph == "" ? "" : " ") $0
}

END {
    flush()
    exit failed
}
