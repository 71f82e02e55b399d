#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a person at a terminal sees: the spinner, escaped guest output (31), questions (34), Ctrl-C.
# Nothing of it where output is piped. script(1) is the terminal.
# shellcheck disable=SC2016,SC2059,SC2154
. "$(dirname "$0")/lib.sh"
t_begin terminal
export TERM=xterm LANG=C.UTF-8

# on_tty KEYS WORDS…: the shell on a terminal into which KEYS are typed; all it shows in $t_out.
on_tty() {
	local keys=$1 line
	shift
	line=$(printf '%q ' "$SMOLSH_BUILD/smolsh" "$@")
	t_out=$(printf "$keys" | timeout 120 script -qec "$line" /dev/null)
	t_code=$?
}

on_tty '' run -- echo finished
same "run on a terminal: exit code" $t_code 0
match "the spinner says what is waited for" 'booting  kernel [0-9]' "$t_out"
match "and then the agent" 'booting  agent [0-9]' "$t_out"
same "its line is cleared before the output" "$(tr '\r' '\n' <<<"$t_out" | grep finished)" $'\033[Kfinished'
on_tty '' -q run -- echo finished
same "--quiet: no spinner" "$t_out" $'finished\r'
expect_exit 0 "piped: run" smolsh run -- echo finished
same "piped: nothing on stderr" "$t_err" ""

check "a VM" smolsh create web
evil='a\033[2J\033]0;title\007\033]52;c;aGk=\007\033[31mred\033[0m\302\2332J\n'
on_tty '' exec web -- printf "$evil"
match "guest output: what moves the cursor or sets the title is shown" 'a\^\[\[2J\^\[\]0;title\^G' "$t_out"
match "guest output: nor C1" '\\xc2\\x9b2J' "$t_out"
match "guest output: colours stay" $'\033\\[31mred\033\\[0m' "$t_out"
on_tty '' exec web -- sh -c "printf '$evil' >&2"
match "stderr likewise" 'a\^\[\[2J' "$t_out"
on_tty '' exec --raw web -- printf "$evil"
match "--raw: all passes" $'\033\\[2J\033\\]0;title\007' "$t_out"
expect_exit 0 "piped: raw" smolsh exec web -- printf "$evil"
same "piped: byte for byte" "$t_out" "$(printf "$evil")"
on_tty '' exec web -- sh -c 'printf "\033[3"; sleep 0.3; printf "1mred\033[0m\n"'
match "a colour cut in two by a chunk's end is still a colour" $'\033\\[31mred' "$t_out"
smolsh exec web -- sh -c "printf '$evil' >/dev/console"
on_tty '' logs web
match "logs: escaped, too" 'a\^\[\[2J\^\[\]0;title\^G' "$t_out"

# A table fits the terminal, whatever its last column holds; elsewhere it is whole.
check "a VM with a long end" smolsh create long --no-start
sqlite3 "$(find "$SMOLSH_HOME/state" -name '*.db')" "UPDATE vm SET state='died', ended_ms=created_ms, end_cause='$(printf 'why %.0s' {1..40})' WHERE name='long'"
line=$(printf '%q list' "$SMOLSH_BUILD/smolsh")
for columns in 80 100 160; do
	t_out=$(script -qec "stty cols $columns; $line" /dev/null </dev/null)
	check "list: no line is wider than $columns columns" test "$(tr -d '\r' <<<"$t_out" | wc -L)" -le $columns
done
match "list: what is missing is marked" '^long .* died .*why.*…' "$t_out"
expect_exit 0 "list: piped" smolsh list
expect_out "list: piped, whole" '(why ){39}why'
check "list: cleaned up" smolsh delete long
expect_exit 0 "an empty list" env SMOLSH_HOME="$t_dir/none" "$SMOLSH_BUILD/smolsh" list
same "an empty list: piped, only the header" "$(wc -l <<<"$t_out")$t_err" 1
t_out=$(SMOLSH_HOME=$t_dir/none script -qec "$line" /dev/null </dev/null)
match "an empty list: on a terminal, how to make one" 'no VM yet; try: smolsh create' "$t_out"

check "two more, not started" smolsh -c 'create a --no-start; create b --no-start'
on_tty 'n\n' delete a b
match "delete of two asks, and names them" 'Delete a \(created\), b \(created\)' "$t_out"
same "no: exit code" $t_code 2
on_tty '\n' delete a b
same "Enter is no" $t_code 2
expect_exit 0 "no: both are there" smolsh info a b
expect_exit 2 "where nobody can be asked: refused" smolsh delete a b
expect_err "with the words that do it" 'smolsh delete --yes a b'
expect_exit 2 "--json never asks" smolsh --json delete a b
on_tty 'y\n' delete a b
same "yes: deleted" $t_code 0
expect_exit 125 "yes: gone" smolsh info a

# Ctrl-C is typed once the command runs: it goes to the guest, whose command may answer it. (exec:
# a shell between would end with 130, whatever the command makes of it.)
mkfifo "$t_dir/keys"
line=$(printf '%q ' "$SMOLSH_BUILD/smolsh" exec web -- sh -c 'trap "echo caught; exit 42" INT; echo up; while :; do sleep 0.1; done')
timeout 120 script -qec "exec $line" /dev/null <"$t_dir/keys" >"$t_dir/screen" &
terminal=$!
exec 8>"$t_dir/keys"
check "Ctrl-C: the command runs first" t_until grep -q up "$t_dir/screen"
printf '\003' >&8
wait $terminal
same "Ctrl-C: the guest's own answer counts" $? 42
exec 8>&-
match "Ctrl-C: it was caught in the guest" 'caught' "$(cat "$t_dir/screen")"
on_tty '' frobnicate
match "an error is one line" $'^[^\r]*smolsh:.* unknown command' "$t_out"
on_tty '' --color never frobnicate
match "--color never: no colours" "^smolsh: unknown command" "$t_out"

t_end
