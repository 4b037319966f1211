# What the scripts in tools/ share. Sourced by them, from any folder; leaves them in the root of the
# checkout, with $called_from naming the folder they were called in.

# shellcheck shell=bash
set -euo pipefail

# shellcheck disable=SC2034  # used by some of them
called_from=$PWD
self=$(basename "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

configs=(debug release sanitize tsan)

die() {
    echo "$self: $*" >&2
    exit 1
}

# The comment that a script begins with is its --help.
help() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
}

for argument in "$@"; do
    [ "$argument" != -- ] || break
    if [ "$argument" = --help ] || [ "$argument" = -h ]; then
        help
    fi
done

is_config() {
    [[ " ${configs[*]} " == *" $1 "* ]]
}

# Files of the tree, one per line: what git has or would take; everything but build/ without git.
tree_files() {
    local file
    {
        git ls-files -co --exclude-standard 2>/dev/null ||
            find . \( -path ./build -o -path ./.git \) -prune -o -type f -printf '%P\n'
    } | sort | while read -r file; do
        if [ -f "$file" ]; then
            echo "$file"
        fi
    done
}

version() {
    sed -n 's/^#define FH_VERSION_STRING *"\(.*\)"$/\1/p' include/freehold/api.h
}

# Seconds since $1 (a value of $EPOCHREALTIME), with one decimal.
since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'
}
