#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Snapshots, and connections that a hypervisor loses: what a snapshot cuts is taken up again or said
# to go on, a guest comes back as it was, and one that takes no connections after a resume is told
# of. Behind it is fc-sim, a simulator (tests/fcsim), and not Firecracker.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
sim=$SMOLSH_BUILD/tests/fcsim/fc-sim
if [ ! -x "$sim" ]; then
	echo "skipped: there is no $sim (built where libyaml is)"
	exit 77
fi
t_begin snapshot
echo "# with fc-sim, a simulator: Firecracker itself does not run here"

create() { smolsh create "$@" --memory 96 --backend firecracker --firecracker "$sim"; }
more_than() { [ "$(wc -l <"$1")" -gt "$2" ]; }

check "create" create web
check "something is in its memory" smolsh exec web -- sh -c 'echo kept >/tmp/f'
smolsh_bg exec web -- sh -c 'i=0; while [ $i -lt 40 ]; do echo $((i+=1)); sleep 0.1; done; exit 7' >"$t_dir/count" &
counter=$!
mkfifo "$t_dir/stdin"
smolsh_bg exec -i web -- sh -c 'echo begun; cat; exec sleep 300' <"$t_dir/stdin" >"$t_dir/fed" 2>"$t_dir/fed.err" &
fed=$!
exec 3>"$t_dir/stdin"
check "a counter counts" t_until more_than "$t_dir/count" 5
check "a job with stdin" t_until grep -q begun "$t_dir/fed"
expect_exit 0 "snapshot" smolsh snapshot web
expect_out "snapshot: what it is called" '^1$'
same "snapshot: the VM goes on" "$(t_state web)" running
expect_exit 0 "snapshot: exec" smolsh exec web -- cat /tmp/f
same "snapshot: the guest is as it was" "$t_out" kept
wait "$fed"
same "a job with stdin: its connection is lost" $? 125
match "a job with stdin: why, and what would help" \
	"a snapshot of VM 'web' cut the connection to job [0-9]+, which goes on; try: smolsh attach web [0-9]+" "$(cat "$t_dir/fed.err")"
exec 3>&-
wait "$counter"
same "a job without: it is taken up again, to its end" $? 7
same "a job without: nothing is lost, nothing comes twice" "$(awk 'NR != $1' "$t_dir/count" | wc -l) $(wc -l <"$t_dir/count")" "0 40"

expect_exit 125 "a name that is taken" smolsh snapshot web 1
expect_err "a name that is taken: the mend" "has a snapshot '1' already; try: smolsh snapshot web 1 --delete"
expect_exit 2 "names: no path" smolsh snapshot web ../x
expect_err "names: which" "cannot be a snapshot's name"
expect_exit 0 "one of a paused VM" smolsh -c 'pause web; snapshot web still'
same "one of a paused VM: it stays so" "$(t_state web)" paused
check "resume" smolsh resume web
expect_exit 0 "the list" smolsh snapshot web --list
expect_out "the list: the first" '^1 +20'
expect_out "the list: the second" '^still +20'
expect_exit 125 "a VM that runs does not go back" smolsh start web --snapshot 1
expect_err "a VM that runs: the mend" "try: smolsh stop --force web"

check "what is changed since" smolsh exec web -- rm /tmp/f
check "stop" smolsh stop web
expect_exit 125 "start from what there is not" smolsh start web --snapshot 2
expect_err "start from what there is not: those that there are" "no snapshot '2' \(there are: 1, still\)"
expect_exit 0 "start from a snapshot" smolsh start web --snapshot 1
expect_exit 0 "back: exec" smolsh exec web -- cat /tmp/f
same "back: as it was then" "$t_out" kept
check "back: the guest's clock is right" t_clock_is_right web
expect_exit 0 "back: jobs" smolsh jobs web
expect_out "back: a job of then goes on" '^web +[0-9]+ +running .*sleep 300'
check "delete one" smolsh snapshot web still --delete
expect_exit 125 "delete it again" smolsh snapshot web still --delete
check "stop" smolsh stop web
printf x >"$SMOLSH_HOME"/state/vms/*/snapshots/1/snapshot.json
expect_exit 2 "a damaged snapshot" smolsh start web --snapshot 1
expect_err "a damaged snapshot: the mend" "damaged; try: smolsh snapshot web 1 --delete"
expect_exit 125 "snapshot of a stopped VM" smolsh snapshot web
check "it can be booted all the same" smolsh start web

# What cannot have one says why.
check "create with a disk" create disky --disk 16M --no-start
expect_exit 125 "a disk that is written" smolsh snapshot disky
expect_err "a disk that is written: why" "writes to a disk, which a snapshot does not hold"

# Connections that hang behind a resume.
check "create a deaf one" env FC_SIM_FAULT=deaf-after-resume "$SMOLSH_BUILD/smolsh" create deaf --memory 96 --backend firecracker --firecracker "$sim"
check "pause it" smolsh pause deaf
expect_exit 0 "resume: it goes on all the same" smolsh resume deaf
expect_err "resume: and is told to be deaf" "VM 'deaf': .*agent did not.*; try: smolsh health deaf"
expect_exit 1 "its health is no" smolsh health deaf
check "stop it" smolsh stop --force deaf

t_end
