#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# cp: files into, out of and between real guests.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin files

check "create the VMs" bash -c '"$0" create one --memory 256 >/dev/null && "$0" create two >/dev/null' "$SMOLSH_BUILD/smolsh"
cd "$t_dir" || exit 1
sum() { sha256sum <"$1"; }
guest() { smolsh exec "$@"; }

# One file both ways.
head -c 8000000 /dev/urandom >blob
chmod 640 blob
touch -d '2020-02-03 04:05:06.789 UTC' blob
expect_exit 0 "a file into a guest" smolsh cp blob one:/tmp/blob
same "nothing is printed" "$t_out$t_err" ""
same "it is the same in the guest" "$(guest one -- sha256sum /tmp/blob)" "$(sum blob | sed 's|-|/tmp/blob|')"
same "its mode and time" "$(guest one -- stat -c '%a %Y' /tmp/blob)" '640 1580702706'
expect_exit 0 "and out again" smolsh cp one:/tmp/blob back
same "it is the same here" "$(sum back)" "$(sum blob)"
same "its mode and time, to the ns" "$(stat -c '%a %y' back)" "$(stat -c '%a %y' blob)"
expect_exit 0 "into a directory: its own name" smolsh cp blob one:/root
check "there it is" guest one -- test -f /root/blob
expect_exit 0 "a relative path: at home" smolsh cp one:blob here
same "from there" "$(sum here)" "$(sum blob)"
expect_exit 0 "between two guests" smolsh cp one:/tmp/blob two:/tmp/
same "it is the same there" "$(guest two -- sha256sum /tmp/blob)" "$(sum blob | sed 's|-|/tmp/blob|')"
same "--json: what was moved" "$(smolsh --json cp one:/tmp/blob back | tr -d '\n')" \
	'{"ok":true,"data":{"files":1,"directories":0,"links":0,"skipped":0,"bytes":8000000}}'

# Standard input and output.
same "- : from stdin" "$(printf 'a\nb' | smolsh cp - one:/tmp/in && guest one -- cat /tmp/in)" 'a
b'
same "- : to stdout" "$(smolsh cp one:/tmp/in - </dev/null)" 'a
b'
mkfifo slow
smolsh cp - one:/tmp/slow <slow &
copier=$!
exec 8>slow
printf 'first ' >&8
check "a stdin that waits keeps nobody else waiting" guest one -- true
printf 'last' >&8
exec 8>&-
wait "$copier"
same "- : ended with its input" "$?:$(guest one -- cat /tmp/slow)" '0:first last'
timeout 20 bash -c '"$0" cp one:/tmp/blob - | head -c 5 >/dev/null; exit "${PIPESTATUS[0]}"' "$SMOLSH_BUILD/smolsh" 2>err
same "- : a reader that leaves: 141, no words" "$?:$(cat err)" 141:

# Trees.
mkdir -p tree/sub/deep tree/empty
printf x >tree/sub/x
printf 'y' >'tree/sub/a name with  blanks'
bytes=$(printf 'no\xfftext')
printf z >"tree/$bytes"
ln -s ../outside tree/link
mkfifo tree/pipe
chmod 700 tree/sub
chmod 555 tree/sub/deep
touch -d '2001-02-03 UTC' tree/sub tree/empty
expect_exit 2 "a directory takes -r" smolsh cp tree one:/tmp/
expect_err "and is named" 'tree is a directory.*-r'
expect_exit 0 "a tree into a guest" smolsh cp -r tree one:/tmp/
expect_err "what is left out is counted" '1 left out'
expect_exit 0 "a tree out of a guest" smolsh cp -r one:/tmp/tree copy
rm tree/pipe
t_list() { (cd "$1" && find . -mindepth 1 -printf '%P %y %m %T@ %l\n' | sort | sha256sum); }
same "names, kinds, modes, times and links are the same" "$(t_list copy)" "$(t_list tree)"
check "and so is its content" diff -r --no-dereference tree copy
expect_exit 0 "a tree between two guests" smolsh cp -r one:/tmp/tree two:/tmp/
same "it is the same there" "$(guest two -- sh -c 'cd /tmp/tree && find . | wc -l')" "$(find tree | wc -l)"
mkdir many
for ((i = 0; i < 2000; i++)); do echo "$i" >"many/$i"; done
expect_exit 0 "2,000 files in" smolsh cp -r many one:/tmp/
expect_exit 0 "2,000 files out" smolsh cp -r one:/tmp/many many2
check "they are the same" diff -r many many2

# Sparse files.
truncate -s 200M sparse
printf abc | dd of=sparse bs=1 seek=100000000 conv=notrunc status=none
expect_exit 0 "200M of holes into a guest" smolsh cp sparse one:/tmp/sparse
expect_exit 0 "and out again" smolsh cp one:/tmp/sparse sparse2
check "the same" cmp sparse sparse2
same "still sparse in the guest" "$(guest one -- sh -c '[ $(du -k /tmp/sparse | cut -f1) -lt 1000 ] && echo yes')" yes
same "still sparse here" "$([ "$(du -k sparse2 | cut -f1)" -lt 1000 ] && echo yes)" yes

# What cannot be.
expect_exit 125 "a file that is not there" smolsh cp one:/no/such .
expect_err "is named, and where" "^smolsh: in VM 'one': /no/such: No such file"
expect_exit 125 "one that is not there, here" smolsh cp /no/such one:
expect_err "is named" '^smolsh: /no/such: No such file'
expect_exit 125 "one that the guest cannot make" smolsh cp blob one:/proc/x
expect_err "is its word" "^smolsh: in VM 'one': .*x: No such file"
expect_exit 125 "a directory that is not there" smolsh cp blob one:/no/such
expect_exit 2 "a device is not replaced" smolsh cp blob one:/dev/null
check "it is one still" guest one -- test -c /dev/null
expect_exit 125 "a VM that is not there" smolsh cp blob nobody:/tmp
guest one -- sh -c 'mkdir /tmp/small && mount -t tmpfs -o size=2m none /tmp/small'
expect_exit 125 "a disk that is too small" smolsh cp blob one:/tmp/small/blob
expect_err "is said at once, with figures" 'no space.*7.6M.*2'
head -c 8000000 blob | smolsh cp - one:/tmp/small/in 2>err
same "one that fills up on the way: 125" $? 125
match "is said as well" 'No space' "$(cat err)"
same "nothing of it stays" "$(guest one -- ls -A /tmp/small)" ""

check "a VM with a limit" smolsh create tight --limit file-bytes=1000
expect_exit 125 "a file past it, in" smolsh cp blob tight:/tmp/
expect_err "the limit is named" 'file_bytes'
check "a larger one made in there" guest tight -- sh -c 'head -c 2000 /dev/zero >/tmp/two'
expect_exit 125 "out" smolsh cp tight:/tmp/two .
expect_err "the limit is named" 'file_bytes'
check "without it" smolsh delete --force --yes tight

# Ends in the middle: nothing is left on the other side, and nothing hangs.
mkdir target
guest one -- sh -c 'mkdir /tmp/into; head -c 60000000 /dev/zero >/tmp/zeros'
expect_exit 2 "a pipe is no file" smolsh cp slow one:/tmp/into/f
t_writing() { guest one -- sh -c 'ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q " /tmp/into/"'; }
exec 8<>slow
smolsh_bg cp - one:/tmp/into/f <slow &
copier=$!
printf 'some' >&8
check "it copies" t_until t_writing
kill -INT "$copier"
wait "$copier"
same "Ctrl-C: 130" $? 130
smolsh_bg cp - one:/tmp/into/g <slow &
copier=$!
printf 'some' >&8
check "it copies again" t_until t_writing
kill -9 "$copier"
wait "$copier" 2>/dev/null
exec 8>&-
t_writes_no_more() { ! t_writing; }
t_empty() { [ -z "$(guest one -- ls -A /tmp/into)" ]; }
check "killed clients leave nothing in the guest" t_until t_empty
check "and nothing open" t_until t_writes_no_more
(
	cd target || exit
	exec env --default-signal=INT "$SMOLSH_BUILD/smolsh" cp one:/tmp/zeros f
) 2>err &
copier=$!
t_reading() { [ -n "$(guest one -- sh -c 'for p in /proc/[0-9]*; do ls -l $p/fd 2>/dev/null; done | grep /tmp/zeros')" ]; }
t_until t_reading
guest one -- sh -c 'kill -9 $(pidof smolsh-agent | tr " " "\n" | grep -vx 1)' >/dev/null 2>&1
wait "$copier"
same "an agent that is killed: 125" $? 125
match "is told" 'connection|agent' "$(cat err)"
same "and leaves nothing here" "$(ls -A target)" ""
check "the next one serves" t_until smolsh cp one:/tmp/in target/in

t_end
