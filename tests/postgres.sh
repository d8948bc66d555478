#!/usr/bin/env bash
# Runs the integration suite on PostgreSQL: the tests of `cargo test --test it`, with every company in
# a fresh schema of a throwaway server.
#
#   tests/postgres.sh                       everything
#   tests/postgres.sh world:: web::         what matches these filters
#   tests/postgres.sh world:: --nocapture   options of the test program as well
#   tests/postgres.sh -- COMMAND …          another command with the server, such as psql
#
# The server lives in a temporary folder, listens on a free port of 127.0.0.1 and is gone at the end,
# also when this is interrupted. It does not wait for the disk (fsync=off): what tests of kills end is
# the program, never the server. Any PostgreSQL from 13 on will do. Where none is installed this says
# so and succeeds, except in CI.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

cannot() {
  echo "tests/postgres.sh: NOT RUN: $1" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

# The newest server of Debian's folders, or the one in PATH.
binaries() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -name initdb 2>/dev/null | sort -V | tail -n 1)
  newest=${newest:-$(command -v initdb || true)}
  [ -n "$newest" ] && dirname "$(readlink -f "$newest")"
}

bin=$(binaries) || cannot "there is no PostgreSQL; on Debian: apt-get install postgresql"

# A server refuses to be run by root.
as_nobody() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid="$owner" --regid="$owner" --clear-groups -- "$@"
  else
    "$@"
  fi
}
owner=nobody
if id postgres >/dev/null 2>&1; then owner=postgres; fi

dir=$(mktemp -d)
child=
stop() {
  trap - EXIT INT TERM HUP
  if [ -n "$child" ]; then kill -- "-$child" 2>/dev/null || true; fi
  as_nobody "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ "$(id -u)" = 0 ]; then chown "$owner" "$dir"; fi
# As companies have it, text is sorted as people sort it: a statement that needs the order of bytes
# has to say so. The server's own libraries do that where the machine has no language installed.
people=(--locale=C --locale-provider=icu --icu-locale=ru)
for locale in "${people[*]}" --locale=C; do
  rm -rf "$dir/data"
  # shellcheck disable=SC2086
  if (cd "$dir" && as_nobody "$bin/initdb" -D "$dir/data" --username=rekindle --auth=trust \
    --encoding=UTF8 --no-sync $locale) >"$dir/initdb.log" 2>&1; then break; fi
done
test -s "$dir/data/PG_VERSION" || { cat "$dir/initdb.log" >&2; cannot "initdb failed"; }

started=
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 30000))
  settings="-p $port -k $dir -c listen_addresses=127.0.0.1 -c max_connections=400
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off
    -c max_locks_per_transaction=256 -c shared_buffers=128MB -c log_min_messages=warning"
  if (cd "$dir" && as_nobody "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/data/server.log" \
    -o "${settings//$'\n'/ }" start) >/dev/null 2>&1; then
    started=yes
    break
  fi
done
[ -n "$started" ] || { cat "$dir/data/server.log" >&2; cannot "the server did not start"; }
export REKINDLE_TEST_DATABASE="postgres://rekindle@127.0.0.1:$port/postgres"
echo "tests/postgres.sh: $("$bin/postgres" --version), $REKINDLE_TEST_DATABASE"

if [ "${1:-}" = -- ]; then
  shift
else
  set -- cargo test --locked --test it -- "$@"
fi
cd "$here"
# A process group of its own, so that it can be ended with everything that it has started.
set -m
"$@" </dev/null &
child=$!
set +m
code=0
wait "$child" || code=$?
child=
exit "$code"
