#!/usr/bin/env bash
# Sends letters through a real Postfix on 127.0.0.1 and reads them back from its maildir.
#
#   tests/postfix.sh             start it, run the tests, stop it
#   tests/postfix.sh start DIR   only start it below DIR; prints what REKINDLE_POSTFIX must be
#   tests/postfix.sh stop DIR    stop it
#
# Needs root (Postfix does) and the packages postfix and python3-dkim of Debian, which are installed
# when they are missing. All files of the server live below DIR; nothing in /etc/postfix is used, and
# no letter leaves the machine. Where this cannot run it says so and succeeds, except in CI.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
port=${REKINDLE_POSTFIX_PORT:-2599}

cannot() {
  echo "tests/postfix.sh: NOT RUN: $1" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

installed() {
  if command -v postfix >/dev/null && /usr/bin/python3 -c 'import dkim' 2>/dev/null; then return; fi
  command -v apt-get >/dev/null || cannot "there is no Postfix and no apt-get"
  # No configuration of its own, and nothing is started.
  echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -yq --no-install-recommends postfix python3-dkim; } >/dev/null ||
    cannot "postfix and python3-dkim cannot be installed"
}

start() {
  local dir=$1
  mkdir -p "$dir"/{conf,queue,data,log,mail}
  chmod 755 "$dir"
  chown postfix "$dir/data"
  chown nobody "$dir/mail"
  cat >"$dir/conf/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = $dir/log/mail.log
maillog_file_prefixes = $dir
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.com
inet_interfaces = 127.0.0.1
inet_protocols = all
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = example.com, example.org
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_forbid_bare_newline = reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = $dir/conf/tls.pem
smtpd_tls_key_file = $dir/conf/tls.key
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
CONF
  cp "$here/tests/it/smtp/tls/localhost.pem" "$dir/conf/tls.pem"
  cp "$here/tests/it/smtp/tls/localhost.key" "$dir/conf/tls.key"
  chmod 600 "$dir/conf/tls.key"
  {
    echo "127.0.0.1:$port inet n - n - - smtpd"
    echo "cleanup unix n - n - 0 cleanup"
    echo "qmgr unix n - n 300 1 qmgr"
    echo "postlog unix-dgram n - n - 1 postlogd"
    echo "tlsmgr unix - - n 1000? 1 tlsmgr"
    for service in rewrite:trivial-rewrite bounce:bounce defer:bounce trace:bounce error:error \
      retry:error virtual:virtual anvil:anvil proxymap:proxymap; do
      echo "${service%%:*} unix - n n - - ${service##*:}"
    done
  } >"$dir/conf/master.cf"
  postfix -c "$dir/conf" start >/dev/null 2>&1 || {
    cat "$dir/log/mail.log" >&2 2>/dev/null || true
    cannot "Postfix did not start"
  }
  echo "REKINDLE_POSTFIX=$port:$dir/mail/inbox"
}

stop() { postfix -c "$1/conf" stop >/dev/null 2>&1 || true; }

# A second opinion about the signatures, by an implementation that is not ours.
opinion() {
  /usr/bin/python3 - "$1" "$here/tests/it/smtp/tls/dkim-rsa.pub" <<'PY'
import dkim, pathlib, sys
key = "".join(l for l in open(sys.argv[2]).read().splitlines() if not l.startswith("--"))
record = f"v=DKIM1; k=rsa; p={key}".encode()
letters = list(pathlib.Path(sys.argv[1], "new").iterdir())
good = sum(dkim.verify(l.read_bytes(), dnsfunc=lambda name, timeout=5: record) for l in letters)
print(f"python3-dkim: {good} of {len(letters)} signatures verified")
sys.exit(0 if letters and good == len(letters) else 1)
PY
}

case "${1:-run}" in
  start) installed && start "$2" ;;
  stop) stop "$2" ;;
  run)
    [ "$(id -u)" = 0 ] || cannot "Postfix has to be started by root"
    installed
    dir=$(mktemp -d)
    trap 'stop "$dir"; rm -rf "$dir"' EXIT
    set_by=$(start "$dir")
    export "${set_by?}"
    (cd "$here" && cargo test --locked --test it smtp::postfix -- --ignored)
    opinion "$dir/mail/inbox"
    ;;
  *) echo "usage: tests/postfix.sh [run | start DIR | stop DIR]" >&2; exit 2 ;;
esac
