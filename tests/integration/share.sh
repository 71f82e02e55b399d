#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --share: a directory of the host in a guest, both ways, read-only where it is to be, and what
# becomes of it when its virtiofsd ends.
# shellcheck disable=SC2016,SC2317
# A virtiofsd lives in namespaces of its own, which not every container lets it have.
own=()
[ "$(id -u)" -eq 0 ] || own=(--map-root-user)
unshare "${own[@]}" --mount --pid --net --fork true 2>/dev/null || { echo "skipped: no namespaces"; exit 77; }
. "$(dirname "$0")/lib.sh"
t_begin share

mkdir "$t_dir/rw" "$t_dir/ro" || exit 1
echo from-host >"$t_dir/rw/a"
echo fixed >"$t_dir/ro/a"
daemons() { pgrep -P "$(t_pid web monitor)" -x virtiofsd | paste -sd' '; }

expect_exit 2 "a place that is none" smolsh create web --share "$t_dir/rw:mnt"
expect_err "a place that is none: said, with an example" "no place in a guest.*try: --share"
expect_exit 2 "a directory that is not there" smolsh create web --share "$t_dir/none:/mnt"
expect_err "a directory that is not there: said" "none: No such file"
expect_exit 125 "Firecracker shares none" smolsh create web --backend firecracker --share "$t_dir/rw:/mnt"
expect_err "Firecracker shares none: why, and what would work" "cannot share directories: it has no virtiofs; try: smolsh cp"
same "nothing is left of those" "$(smolsh list --quiet)" ""

# A directory, and the one that a backslash taken for an escape would lead to.
mkdir "$t_dir/o\\dd" "$t_dir/odd"
echo odd >"$t_dir/o\\dd/a"
check "create" smolsh create web --share "$t_dir/rw:/srv/deep/rw" --share "$t_dir/ro:/srv/ro:ro" --share "$t_dir/o\\dd:/srv/odd"
expect_exit 0 "info" smolsh info web
expect_out "info says what is shared" "^share +/srv/ro: $t_dir/ro, read-only"
expect_exit 0 "the guest reads" smolsh exec web -- cat /srv/deep/rw/a /srv/ro/a
same "the guest reads what is there" "$t_out" "$(printf 'from-host\nfixed')"
same "a backslash in the name is one" "$(smolsh exec web -- cat /srv/odd/a)" odd
check "the guest writes" smolsh exec web 'echo from-guest >/srv/deep/rw/b; mkdir /srv/deep/rw/d; ln -s b /srv/deep/rw/l'
same "and the host has it" "$(cat "$t_dir/rw/b" "$t_dir/rw/l")" "$(printf 'from-guest\nfrom-guest')"
echo later >"$t_dir/rw/c"
same "what the host writes later the guest sees" "$(smolsh exec web -- cat /srv/deep/rw/c)" later
check "500 files" smolsh exec web 'cd /srv/deep/rw/d && for i in $(seq 500); do echo $i >$i; done'
same "500 files: all are there" "$(cat "$t_dir"/rw/d/* | sort -n | md5sum)" "$(seq 500 | md5sum)"
expect_exit 1 "read-only is read-only" smolsh exec web 'echo x >/srv/ro/b'
expect_exit 1 "and stays it whatever the guest says" smolsh exec web 'mount -o remount,rw /srv/ro; echo x >/srv/ro/b'
same "nothing was written there" "$(ls "$t_dir/ro")" a
expect_exit 1 "the guest does not get out" smolsh exec web 'cat "/srv/deep/rw/../../../etc/hostname" >/dev/null && ls /srv/deep/rw/../rw/../../x'

check "stop, start" smolsh -c 'stop web; start web'
same "it is there again" "$(smolsh exec web -- cat /srv/deep/rw/b)" from-guest

read -r first _ <<<"$(daemons)"
kill -9 "$first"
said() { smolsh logs --journal web | grep -q share-exit; }
check "virtiofsd killed: the journal says so" t_until said
expect_exit 0 "virtiofsd killed: the guest goes on" smolsh exec web -- true
check "restart brings it back" smolsh restart web
same "restart: it is there" "$(smolsh exec web -- cat /srv/ro/a)" fixed

left=$(daemons)
kill -9 "$(t_pid web monitor)"
gone() { local p; for p in $left; do t_ended "$p" || return 1; done; }
check "the monitor killed: no virtiofsd is left" t_until gone
expect_exit 0 "delete" smolsh delete --yes --force web
same "what was shared stays" "$(cat "$t_dir/rw/b")" from-guest

t_end
