#!/bin/sh
# Makes a picture of every letter and page with its example: 390 and 700 pixels wide, light and dark.
#
#   tests/letters_pictures.sh [FOLDER] [NAME ...]
#
# Beside each picture lies the text that those see who read no HTML. Chromium does the drawing; where
# there is none this says so and ends well, except where CI=true: there it fails. Nothing is fetched:
# the pictures of the examples are part of the letters.
set -eu

folder=${1:-target/letters}
[ $# -gt 0 ] && shift
browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name" || true)
done

cd "$(dirname "$0")/.."
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cargo run --quiet --example letters -- "$folder"

if [ -z "$browser" ]; then
    echo "no pictures: Chromium is not installed (Debian: apt-get install chromium)" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi

profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
made=0
wanted() {
    [ $# -gt 1 ] || return 0
    name=$1
    shift
    for one in "$@"; do
        case $name in "$one"*) return 0 ;; esac
    done
    return 1
}
for letter in "$folder"/*.html; do
    name=$(basename "$letter" .html)
    case $name in both-*) continue ;; esac
    wanted "$name" "$@" || continue
    for scheme in light dark; do
        frame="$folder/both-$name.html"
        if [ "$scheme" = dark ]; then
            # The rules for the night, made to hold: a browser without a screen knows no night.
            sed 's/(prefers-color-scheme: dark)/(min-width: 1px)/' "$letter" >"$folder/both-night.html"
            shown=both-night.html behind=#000000
        else
            shown=$name.html behind=#ffffff
        fi
        printf '<!DOCTYPE html><body style="margin:0;background:%s;display:flex;gap:20px"><iframe src="%s" width="390" height="1500" style="border:0"></iframe><iframe src="%s" width="700" height="1500" style="border:0"></iframe></body>' \
            "$behind" "$shown" "$shown" >"$frame"
        picture="$folder/$name.$scheme.png"
        rm -f "$picture"
        "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking \
            --disable-component-update --disable-sync --hide-scrollbars --no-first-run \
            --user-data-dir="$profile" --window-size=1110,1500 \
            --screenshot="$picture" "file://$frame" >"$profile/log" 2>&1 || true
        rm -f "$frame" "$folder/both-night.html"
        if [ ! -s "$picture" ]; then
            echo "no picture of $name: $(tail -3 "$profile/log")" >&2
            exit 1
        fi
        made=$((made + 1))
    done
done
echo "$made pictures in $folder"
