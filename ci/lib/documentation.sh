# Sourced by ci/capi and ci/lib/dll.sh, which run it: the code in src/guide/c.md and in the manual
# pages.

# block FILE HEADING LANGUAGE [NUMBER]: the code below this heading, up to the next one, that is the
# NUMBERth in this language; the first one without a number.
block() {
    local code
    code=$(awk -v heading="$2" -v language="$3" -v number="${4:-1}" '
        !inside && /^#/ { section = $0 == heading }
        /^```$/ && inside { if (printing) exit; inside = 0; next }
        printing
        /^```/ { inside = 1; printing = section && $0 == "```" language && ++seen == number }' "$1")
    [ -n "$code" ] || fail "$1 has no $3 code number ${4:-1} below: $2"
    printf '%s\n' "$code"
}
