#!/usr/bin/env bash
# README's commands as somebody types them who has just installed the program: line by line in their order, in an empty home and an empty folder.
#
#     tests/newcomer.sh [PROGRAM]        the program that is built already, target/debug/spatialmill by default
#
# `cargo install` itself is left out, because it would compile everything a second time. Blocks of commands that run are those behind
# `<!-- newcomer -->` in README.md. Rooms are fewer than a person would have, and nothing else differs from what is typed.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
program="$(realpath "${1:-${CARGO_TARGET_DIR:-$here/target}/debug/spatialmill}")"
home="$(mktemp -d)"
trap 'rm -rf "$home"' EXIT
mkdir "$home/bin" "$home/folder"
ln -s "$program" "$home/bin/spatialmill"

commands="$(awk '
    /^<!-- newcomer -->$/ { wanted = 1; next }
    /^```sh$/ && wanted { inside = 1; wanted = 0; next }
    /^```$/ { inside = 0 }
    inside { print }
' "$here/README.md")"
[ "$(wc -l <<<"$commands")" -ge 12 ] || { echo "README.md has fewer commands than it had: $commands" >&2; exit 1; }

as_a_newcomer() { (cd "$home/folder" && env -i HOME="$home" PATH="$home/bin:/usr/bin:/bin" LANG=C.UTF-8 bash -euc "$1" </dev/null); }
while IFS= read -r command; do
    [ -n "$command" ] || continue
    echo "\$ $command"
    if ! as_a_newcomer "$command" >"$home/out" 2>"$home/err"; then
        cat "$home/out" "$home/err" >&2
        echo "README.md: this command fails: $command" >&2
        exit 1
    fi
    if [[ "$command" == *" init"* ]]; then
        sed -i 's/^kind = "synthetic"$/&\nrooms = 4\nframes_per_room = 2/' "$home"/folder/*/mill.toml
    fi
done <<<"$commands"

for file in spatialmill-demo/report.html sheet.jpg my/report.html exports/internvl/manifest.json exports/internvl/README.md; do
    [ -s "$home/folder/$file" ] || { echo "README.md: $file is not there after all of its commands" >&2; exit 1; }
done
echo "every command of README.md runs"
