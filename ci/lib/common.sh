# Sourced by every script here: strict mode, the repository's root as the working directory, the
# time at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
script="ci/$(basename "$0")"
trap ended EXIT

# ended: what the script says at its end.
ended() {
    local status=$?
    finish || status=$?
    echo "$script: $SECONDS s, $(outcome $status)"
    exit $status
}

# outcome STATUS: the word for it.
outcome() {
    [ "$1" = 0 ] && echo passed || echo "FAILED with status $1"
}

# A signal is a failure too.
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# finish: what is to be done at the end, also where something failed. For scripts that have
# something to put in its place.
finish() {
    :
}

# The locales' messages are not ours to parse.
export LC_ALL=C

# What is built is looked for in target/.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR

# Networks fail for a while.
export CARGO_NET_RETRY=${CARGO_NET_RETRY:-10}

# fail MESSAGE...: says why and ends.
fail() {
    echo "$script: $*" >&2
    exit 1
}

# step WORDS...: a heading in the output.
step() {
    echo "== $script: $* (${SECONDS} s)"
}

# debian FILE PACKAGE...: installs the packages of Debian that are missing; fails if the file or
# command is not there then.
debian() {
    local wanted=$1 missing
    shift
    missing=$(comm -13 <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        sed -n 's/ installed$//p' | sort -u) \
        <(printf '%s\n' "$@" | sort -u))
    present "$wanted" && [ -z "$missing" ] && return
    echo "$script: missing:" ${missing:-$wanted, though "$*" is installed}
    # The lists of a fresh machine are missing, those of an old one name packages that are no more.
    apt_get install -y "$@" >/dev/null 2>&1 ||
        { apt_get update; apt_get install -y "$@" >/dev/null; } || fail "apt-get install $* failed"
    present "$wanted" || fail "$wanted is missing, though $* is installed"
}

# debian_rust: Debian's compiler and its sources of core, which give every target by build-std. Old
# lists of packages name one that is older than the crate takes.
debian_rust() {
    local wanted
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    rust_web_is_new "$wanted" || {
        echo "$script: Debian's rustc $wanted is missing: installing rustc-web and its sources"
        apt_get update || true
        apt_get install -y rustc-web cargo-web rust-web-src >/dev/null ||
            fail "apt-get install rustc-web failed"
        rust_web_is_new "$wanted" ||
            fail "Debian's rustc is older than $wanted: $(/usr/bin/rustc --version 2>&1)"
    }
}

# rust_web_is_new VERSION: whether all three are there, the compiler of this version or a later one.
rust_web_is_new() {
    local found
    [ -x /usr/bin/cargo ] && [ -f /usr/lib/rustlib/src/rust/library/core/src/lib.rs ] || return 1
    found=$(/usr/bin/rustc --version 2>/dev/null | cut -d ' ' -f 2)
    [ -n "$found" ] && printf '%s\n' "$1" "$found" | sort --version-sort --check=quiet
}

# nightly: the nightly toolchain, for the sanitizers.
nightly() {
    mkdir -p target
    flock target/rustup.lock sh -c 'cargo +nightly --version >/dev/null 2>&1 ||
        rustup toolchain install nightly --profile minimal'
}

apt_get() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    # One script at a time.
    mkdir -p target
    DEBIAN_FRONTEND=noninteractive flock target/apt.lock $sudo apt-get -qq -o Acquire::Retries=3 \
        -o DPkg::Lock::Timeout=300 "$@"
}

present() {
    case $1 in
        /*) compgen -G "$1" >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# choose "NAME..." [WANTED...]: prints the wanted ones of the names, without any all of them.
# Another name is an error, which lists them.
choose() {
    local names=$1 name
    shift
    for name; do
        printf '%s\n' $names | grep -xF -- "$name" >/dev/null ||
            fail "there is no $name; there are:" $names
    done
    # Each with a blank after it.
    printf '%s ' ${@:-$names}
}

# programs_in DIRECTORY: the names of the test programs there, of which each is a file.
programs_in() {
    (cd "$1" && printf '%s\n' *.rs | sed 's/\.rs$//')
}

# ran PROGRAM...: runs tests, and fails if there were none, which a filter that matches nothing
# calls a success.
ran() {
    local log
    log=$("$@" 2>&1) || { echo "$log"; fail "failed: $*"; }
    echo "$log"
    grep -qE '^test result: ok\. [1-9][0-9]* passed' <<<"$log" || fail "no test ran: $*"
}

# seeds FROM TO: the binary files that are kept in FROM as hexadecimal digits, in TO.
seeds() {
    local file
    mkdir -p "$2"
    for file in "$1"/*.hex; do
        basenc --base16 --decode "$file" >"$2/$(basename "$file" .hex)"
    done
}
