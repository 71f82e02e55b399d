#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest whose memory runs out: by files, by a process, by streams. It lives, and says so.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
t_begin memory

available() { smolsh exec web -- sh -c 'df -k "$1" | awk "NR == 2 { print \$4 }"' - "$1"; }
kib() { smolsh exec web -- sh -c 'ls -s "$1" | awk "{ print \$1 }"' - "$1"; }

check "create" smolsh create web

# Files in memory: what df says there is, there is, and then no more.
free=$(available /tmp)
expect_exit 1 "/tmp: a file that is too large" smolsh exec web -- dd if=/dev/zero of=/tmp/x bs=1M
expect_err "/tmp: it is told that there is no space" 'No space left on device'
same "/tmp: df had told the truth" "$(kib /tmp/x)" "$free"
for file in /root/x /x /dev/shm/x /run/x /dev/x; do
	expect_exit 1 "all else is full, too: $file" smolsh exec web -- dd if=/dev/zero of=$file bs=1M
done
expect_exit 1 "/tmp: files of nothing" smolsh exec web -- sh -c 'rm /tmp/x; i=0; while : >/tmp/$i; do i=$((i + 1)); done'
expect_err "/tmp: they come to an end as well" 'No space left on device'

# A process.
expect_exit 137 "a process takes all" smolsh exec web -- tail /dev/zero
expect_err "a process takes all: why it was killed" 'killed by signal 9 \(SIGKILL\): the guest had run out of memory'
expect_exit 3 "a child takes all" smolsh exec web -- sh -c 'tail /dev/zero; exit 3'
expect_err "a child takes all: said so" 'the guest ran out of memory while the command ran'
expect_exit 137 "a process that somebody kills" smolsh exec web -- sh -c 'kill -9 $$'
expect_err "a process that somebody kills: no more is said" 'killed by signal 9 \(SIGKILL\)$'
expect_exit 137 "--json" smolsh --json exec web -- tail /dev/zero
expect_out "--json: it is a member" '"signal":9,"out_of_memory":true'
same "jobs may be killed, the agent not" \
	"$(smolsh exec web 'cat /proc/self/oom_score_adj /proc/$(pidof smolsh-agent | cut -d" " -f1)/oom_score_adj' | paste -sd' ')" "0 -1000"

# Streams, with all files still there.
for i in 1 2 3 4 5 6 7 8; do
	smolsh exec web -- head -c 3000000 /dev/zero | wc -c >"$t_dir/out.$i" &
done
wait
same "full, and eight streams at once" "$(cat "$t_dir"/out.? | sort -u)" 3000000
check "full: it still lives" smolsh exec web -- sh -c 'rm -rf /tmp/* /x /root/x /run/x'

head -c 1048576 /dev/urandom >"$t_dir/blob"
for i in {1..50}; do
	smolsh exec -i web -- cat <"$t_dir/blob" 2>&1 | sha256sum >"$t_dir/sum.$i" &
done
wait
same "fifty streams at once, in and out" "$(sort -u "$t_dir"/sum.*)" "$(sha256sum <"$t_dir/blob")"
same "it is the same boot" "$(smolsh logs web | grep -c 'smolsh-agent: up')" 1
expect_exit 0 "and its agent has not died" smolsh logs --journal web
same "and its agent has not died: its journal" "$(grep -c died <<<"$t_out")" 0
t_end
