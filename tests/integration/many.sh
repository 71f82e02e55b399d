#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Many VMs at once: labels, selectors, marked output, groups, exit codes, variables. Twenty agents
# run here, outside of VMs, on the Unix sockets where those of twenty VMs would be; the registry is
# told that they run, with a process of ours in their monitors' place.
# shellcheck disable=SC2016,SC2059
. "$(dirname "$0")/lib.sh"
t_begin many

N=20
registry=$SMOLSH_HOME/state/registry.db
sleep 3600 &
monitor=$!
start=$(awk '{print $22}' "/proc/$monitor/stat")
boot=$(cat /proc/sys/kernel/random/boot_id)

script=
for ((i = 1; i <= N; i++)); do
	role=web
	[ $((i % 4)) -eq 0 ] && role=db
	script+="create vm-$i --no-start --vsock-path $t_dir/$i.sock --label role=$role --label n=$i;"
done
check "twenty are registered, with labels" smolsh -c "$script"
[ -f "$registry" ] || registry=$(find "$SMOLSH_HOME/state" -name '*.db' | head -n 1)
sqlite3 "$registry" "UPDATE vm SET state='running', ready_ms=1, started_ms=1, monitor_pid=$monitor,
	monitor_start=$start, boot_id='$boot'"
agents=()
for ((i = 1; i <= N; i++)); do
	(umask 077 && sqlite3 "$registry" "SELECT token FROM vm WHERE name='vm-$i'" >"$t_dir/$i.token")
	"$SMOLSH_BUILD/smolsh-agent" --unix "$t_dir/$i.sock" --token-file "$t_dir/$i.token" 2>"$t_dir/$i.log" &
	agents+=($!)
done
for ((i = 1; i <= N; i++)); do
	t_until smolsh health "vm-$i" || not_ok "agent $i answers"
done

# Who is meant.
names() { smolsh --json label "$1" | grep -oE '"name":"[^"]*"' | cut -d'"' -f4 | sort -V | paste -sd' '; }
same "@label=value" "$(names @role=db)" "vm-4 vm-8 vm-12 vm-16 vm-20"
same "a pattern" "$(names 'vm-1?')" "vm-10 vm-11 vm-12 vm-13 vm-14 vm-15 vm-16 vm-17 vm-18 vm-19"
same "a list of all kinds, each once" "$(names 'vm-3,@n=4,vm-[34]')" "vm-3 vm-4"
same "@all, @running, @label" "$(names @all | wc -w) $(names @running | wc -w) $(names @n | wc -w)" "20 20 20"
expect_exit 125 "nobody fits" smolsh exec @role=mail -- true
expect_err "nobody fits: where to look" "no VM fits '@role=mail'; try: smolsh list --labels"
check "label: set and removed" smolsh label @role=db tier=1 n-
same "label: it shows" "$(names @tier=1)" "vm-4 vm-8 vm-12 vm-16 vm-20"
same "label: removed" "$(names @n | wc -w)" 15
expect_exit 0 "list --labels" smolsh list --labels
expect_out "list --labels: all of a VM's" 'vm-4 +running +role=db tier=1'
expect_exit 0 "info has them" smolsh info vm-4
expect_out "info has them, too" '^labels +role=db tier=1$'

# Output of many.
expect_exit 0 "exec in all" smolsh exec @all -- sh -c 'echo out; echo err >&2'
same "each line is marked, as wide as the longest name" "$(sort -V <<<"$t_out" | head -n 2)" "vm-1  | out
vm-2  | out"
same "all of them" "$(wc -l <<<"$t_out")" 20
same "stderr is marked, too" "$(grep -cE '^vm-[0-9]+ *\| err$' <<<"$t_err")" 20
expect_exit 0 "lines in pieces" smolsh exec vm-1,vm-2 -- sh -c 'for i in 1 2 3; do printf a; sleep 0.1; printf b; sleep 0.1; echo c; done; printf end'
same "lines are whole, and one without an end is shown" "$(sort <<<"$t_out" | uniq -c | tr -s ' ')" \
	" 3 vm-1 | abc
 1 vm-1 | end
 3 vm-2 | abc
 1 vm-2 | end"
same "100,000 lines of four VMs" "$(smolsh exec 'vm-[1-4]' -- seq 25000 | awk '/^vm-[1-4] \| [0-9]+$/' | wc -l)" 100000
expect_exit 0 "a word without -- is a line for the shell" smolsh exec vm-1,vm-2 'echo $((1+2))'
same "that was passed as it is" "$(sort <<<"$t_out")" "vm-1 | 3
vm-2 | 3"
expect_exit 2 "-i with several is refused" smolsh exec -i vm-1,vm-2 -- cat

# Exit codes of several: 125, then 124, then the highest.
code='exit $(basename "$SMOL_N")'
for ((i = 1; i <= 4; i++)); do check "a variable of vm-$i" smolsh env set "vm-$i" SMOL_N=$i; done
expect_exit 4 "the highest" smolsh exec 'vm-[1-4]' "$code"
same "whose command failed" "$t_err" "smolsh: exit 1: vm-1
smolsh: exit 2: vm-2
smolsh: exit 3: vm-3
smolsh: exit 4: vm-4"
expect_exit 7 "all fail alike" smolsh exec vm-1,vm-2 -- sh -c 'exit 7'
same "all fail alike: one line" "$t_err" "smolsh: exit 7: vm-1, vm-2"
expect_exit 2 "a beginning of several" smolsh exec vm-1,vm -- true
expect_err "a beginning of several: of which" "'vm' fits several VMs: vm-[0-9]+, .*, …; try: smolsh list"
expect_exit 124 "a timeout goes before" smolsh exec --timeout 0.5 'vm-[1-4]' '[ $SMOL_N = 2 ] || exit $SMOL_N; sleep 30'
sqlite3 "$registry" "UPDATE vm SET state='stopped' WHERE name='vm-3'"
expect_exit 125 "one that does not run goes before all" smolsh exec --timeout 0.5 'vm-[1-4]' '[ $SMOL_N = 2 ] || exit $SMOL_N; sleep 30'
expect_err "and says so under its name" "^vm-3 \| smolsh: VM 'vm-3' is stopped"
sqlite3 "$registry" "UPDATE vm SET state='running' WHERE name='vm-3'"

# --group
expect_exit 3 "--group" smolsh exec --group 'vm-[1-4]' 'echo same; [ $SMOL_N != 3 ] || { echo differs; exit 3; }'
same "--group: the same is folded, the rest named" "$t_out" "vm-1, vm-2, vm-4 (3 VMs)  same
vm-3 (1 VM, exit 3)       same
                          differs"
expect_exit 0 "--group: stderr counts" smolsh exec -g vm-1,vm-2 'echo "to err $SMOL_N" >&2'
same "--group: stderr is shown" "$t_out" "vm-1 (1 VM)  to err 1
vm-2 (1 VM)  to err 2"

# --json
expect_exit 3 "--json" smolsh --json exec vm-1,vm-3 'echo "n=$SMOL_N"; [ $SMOL_N = 1 ] || exit 3'
expect_out "--json: output has its VM" '^\{"stream":"stdout","data":"n=3\\n","vm":"vm-3"\}$'
expect_out "--json: one result per VM" '^\{"ok":true,"data":\[\{"vm":"vm-1","ok":true,"exit_code":0,.*\{"vm":"vm-3","ok":true,"exit_code":3,'
same "--json: one envelope" "$(grep -c '^{"ok"' <<<"$t_out")" 1
sqlite3 "$registry" "UPDATE vm SET state='stopped' WHERE name='vm-3'"
expect_exit 125 "--json: one fails" smolsh --json exec vm-1,vm-3 -- true
expect_out "--json: it has its error, the other its result" '"vm":"vm-1","ok":true,"exit_code":0.*"vm":"vm-3","ok":false,"exit_code":125,"error":\{"code":"state"'
sqlite3 "$registry" "UPDATE vm SET state='running' WHERE name='vm-3'"

# Variables.
check "env set on many" smolsh env set @role=db STAGE=test 'SECRET=s p€c'
expect_exit 0 "env: commands have them" smolsh exec vm-4 'echo "$STAGE/$SECRET"'
same "env: as they were set" "$t_out" "test/s p€c"
expect_exit 0 "env: --env goes before" smolsh exec --env STAGE=mine vm-4 'echo "$STAGE"; env | grep -c ^STAGE='
same "env: once" "$t_out" "mine
1"
expect_exit 0 "env list" smolsh env list vm-4
same "env list: values are hidden" "$(sort <<<"$t_out")" "vm-4: SECRET=•••
vm-4: SMOL_N=•••
vm-4: STAGE=•••"
expect_exit 0 "env list --show" smolsh env list vm-4 --show
expect_out "env list --show" '^vm-4: SECRET=s p€c$'
expect_exit 0 "--json hides them, too" smolsh --json info vm-4
expect_out "as null" '"env":\{"SMOL_N":null,"STAGE":null,"SECRET":null\}'
check "env unset" smolsh env unset vm-4 SECRET NOTHING
expect_exit 0 "env unset: gone" smolsh exec vm-4 'echo "${SECRET-none}"'
same "env unset: from commands" "$t_out" none

# Ctrl-C once: each command is interrupted and says how it ends.
mkfifo "$t_dir/up"
smolsh_bg exec 'vm-[1-5]' 'trap "echo caught; exit 7" INT; echo up; while :; do sleep 0.1; done' >"$t_dir/up" &
many=$!
{
	for i in 1 2 3 4 5; do read -r _; done
	kill -INT "$many"
	same "SIGINT reaches every guest" "$(grep -cE '^vm-[1-5] \| caught$')" 5
} <"$t_dir/up"
wait "$many"
same "SIGINT: the guests' own codes count" $? 7

# A reader that goes away.
smolsh exec 'vm-[1-4]' -- yes | head -n 3 >"$t_dir/three"
same "a reader that goes ends all" "${PIPESTATUS[0]} $(wc -l <"$t_dir/three")" "141 3"
expect_exit 125 "a disk that is full ends all" bash -c '"$SMOLSH_BUILD/smolsh" exec "vm-[1-4]" -- yes >/dev/full'
expect_err "a disk that is full: said so" 'No space left'
expect_exit 125 "--group: a disk that is full" bash -c '"$SMOLSH_BUILD/smolsh" exec --group "vm-[1-4]" -- echo x >/dev/full'
expect_err "--group: a disk that is full: said so" 'No space left'

# delete of many: by a yes only (34).
expect_exit 2 "delete of a selector needs a yes" smolsh delete --force @role=web
expect_err "with the words" 'needs a yes, and there is nobody to ask; try: smolsh delete --force --yes @role=web$'
expect_exit 2 "and is never asked for in JSON" smolsh --json delete --force '*'
same "nothing was deleted" "$(names @all | wc -w)" 20

sqlite3 "$registry" "UPDATE vm SET state='stopped', monitor_pid=0"
kill "${agents[@]}" "$monitor"
wait "${agents[@]}" "$monitor" 2>/dev/null
check "with --yes they go" smolsh delete '*' --yes
t_end
