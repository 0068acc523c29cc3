#!/bin/sh
# Builds the program, starts a server on a free port, sends it the pipeline of the API docs with a
# photograph, watches the job go through its states, and looks at the result.
set -eu
cd "$(dirname "$0")/.."

cargo build --quiet --package cli
program="${CARGO_TARGET_DIR:-target}/debug/imagehq"

photo=assets/photos/demo.jpg
folder=$(mktemp -d)
result="${DEMO_OUT:-$folder/result}"
mkdir -p "$result"

server=""
stop() {
    code=$?
    if [ -n "$server" ] && kill "$server" 2>/dev/null; then wait "$server" || code=$?; fi
    rm -rf "$folder/data" "$folder/server.out"
    [ "$code" = 0 ] || cat "$folder/server.log" >&2
    rm -f "$folder/server.log"
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT TERM

say() { printf '%s\n' "$*"; }
fail() { say "demo: $*" >&2; exit 1; }

# The value of a field of the job at the top level of a JSON answer.
field() {
    # Lists have fields of the same names: they go first, from the inside out.
    printf '%s' "$2" | tr -d '\n' | sed -e ':again' -e 's/\[[^][]*\]//' -e 't again' |
        sed -n 's/.*[{,]"'"$1"'": *"\{0,1\}\([^",}]*\).*/\1/p'
}

"$program" serve --listen 127.0.0.1:0 --data "$folder/data" \
    >"$folder/server.out" 2>"$folder/server.log" &
server=$!
address=""
tries=0
while [ -z "$address" ]; do
    address=$(sed -n 's/^listening on //p' "$folder/server.out")
    kill -0 "$server" 2>/dev/null || fail "the server did not start"
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the server did not get ready in 10 seconds"
    [ -n "$address" ] || sleep 0.05
done
say "server    $address (process $server)"
say "photo     $photo, $(wc -c <"$photo") bytes"

request='{"steps":[
 {"operation":"transform","request":{"operations":[{"type":"resize","width":1600}]}},
 {"operation":"filter","request":{"filters":[{"intensity":72,"type":"cinematic"}]}},
 {"operation":"optimize","request":{"operation":"convert_to_webp"}}],
 "tool_slug":"pipeline-resize-filter-compress"}'
say "request   resize to 1600, cinematic at 72, convert to WebP"

job=$(curl -sS --fail-with-body -X POST "$address/v1/pipeline" \
    -F "files[]=@$photo" -F "request=$request") || fail "the request was refused: $job"
poll=$(field poll_url "$job")
status=$(field status "$job")
say "job       $poll"
say "          $status"
[ "$status" = queued ] || fail "a new job should be queued"

seen="$status"
tries=0
while [ "$status" = queued ] || [ "$status" = processing ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || fail "the job did not end in a minute"
    sleep 0.05
    job=$(curl -sS --fail-with-body "$address$poll")
    status=$(field status "$job")
    if [ "$status" != "$seen" ]; then say "          $status"; seen="$status"; fi
done
[ "$status" = succeeded ] || fail "the job ended as $status: $job"

download=$(field download_url "$job")
(cd "$result" && curl -sS --fail-with-body --remote-header-name --remote-name "$address$download")
file=$(find "$result" -type f | head -n 1)

# RIFF....WEBP, then the width where the kind of the first chunk has it.
bytes() { od -An -tu1 -j "$1" -N "$2" "$file" | tr -s ' \n' ' '; }
[ "$(head -c 4 "$file")$(tail -c +9 "$file" | head -c 4)" = RIFFWEBP ] || fail "$file is no WebP"
case $(tail -c +13 "$file" | head -c 4) in
    'VP8 ') set -- $(bytes 26 2); width=$((($1 + $2 * 256) & 16383)) ;;
    VP8L) set -- $(bytes 21 2); width=$(((($1 + $2 * 256) & 16383) + 1)) ;;
    VP8X) set -- $(bytes 24 3); width=$(($1 + $2 * 256 + $3 * 65536 + 1)) ;;
    *) fail "$file is a WebP of an unknown kind" ;;
esac
[ "$width" = 1600 ] || fail "$file is $width pixels wide, not 1600"

before=$(wc -c <"$photo")
after=$(wc -c <"$file")
say "result    $file: WebP, 1600 pixels wide, $after bytes"
say "saved     $((before - after)) of $before bytes, $(((before - after) * 100 / before)) %"
