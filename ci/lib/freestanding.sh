# Sourced by ci/freestanding and ci/cross: runs the freestanding program and compares what it says.

# expect STATUS OUT ERR COMMAND...: runs a command; its status, its output and what it says on
# standard error are these.
expect() {
    local status=$1 out=$2 err=$3 got=0
    shift 3
    "$@" >"$run/out" 2>"$run/err" || got=$?
    printf '%s: status %s, "%s" "%s"\n' "${*: -1}" "$got" "$(cat "$run/out")" "$(cat "$run/err")"
    [ "$got" = "$status" ] || fail "status $got instead of $status from: $*"
    [ "$(cat "$run/out")" = "$out" ] || fail "expected on standard output: $out"
    [ "$(cat "$run/err")" = "$err" ] || fail "expected on standard error: $err"
}

# check_program COMMAND...: the freestanding program, perhaps in an emulator, on files of every kind
# that it distinguishes.
check_program() {
    run=$(mktemp -d)
    local page
    page=$(getconf PAGESIZE)
    truncate -s 1234567 "$run/file"
    : >"$run/empty"
    truncate -s 5G "$run/large"
    expect 0 "1234567 $page" "" "$@" "$run/file"
    expect 0 "0 $page" "" "$@" "$run/empty"
    expect 0 "5368709120 $page" "" "$@" "$run/large"
    expect 1 "" "a character device that is not a device DAX (/dev/daxX.Y) is not a data source: it is not known to keep what is stored; open a regular file or a device DAX" \
        "$@" /dev/null
    expect 1 "" "a directory cannot be mapped: open a file in it" "$@" "$run"
    expect 1 "" "does not exist (ENOENT)" "$@" "$run/none"
    expect 2 "" "usage: freestanding PATH" "$@"
    expect 2 "" "usage: freestanding PATH" "$@" "$run/file" "$run/file"
    rm -r "$run"
}
