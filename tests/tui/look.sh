#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Looking at what a pane shows while its command goes on: search, the copy mode, the clipboard, files, long
# lines, and a VM that dies under a command.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: look"
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web
mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
mux set -s set-clipboard on
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" 'Tab complete'
cat >"$t_dir/program" <<'EOF'
i=0
while [ $i -lt 300 ]; do i=$((i + 1)); echo row $i; done
echo The Needle
i=0
while sleep 0.1; do i=$((i + 1)); printf '\033[31mtick\033[m %s\n' $i; done
EOF
check "a program" smolsh cp "$t_dir/program" web:/tmp/program
keys 'exec web -- sh /tmp/program' Enter
see "it prints" 'tick 3'

# What the pane shows, without its title.
body() { screen | sed -n '3,26s/^[^│]*│//p'; }
past() { [ "$(ticks)" -gt "${1:-0}" ]; }
ticks() { screen | grep -oE 'tick [0-9]+' | tail -1 | cut -d' ' -f2; }
away() { screen | grep -oE '↑ [0-9]+ lines' | grep -oE '[0-9]+'; }
more_away() { [ "$(away)" -gt "$1" ]; }
# stands_still WHAT: the program goes on, what is shown does not.
stands_still() {
	local before from
	before=$(t_steady body)
	from=$(away)
	check "$1: the program goes on" t_until more_away $((from + 5))
	same "$1: what is shown stands still" "$(body)" "$before"
}

# Search, as it is typed.
keys M-/ 'needle'
see "search: there while it is typed" '1/1 +↑ [0-9]+ lines'
see "search: the line is shown" 'The Needle'
keys Escape
see "search: Esc goes back to where one was" 'run .* follow'
keys M-1 S-PPage g / 'row 29' Enter
see "search: which of how many" '1/11 '
see "search: the first" 'row 29 *$'
keys n
see "search: the next" '2/11 '
see "search: is shown" 'row 290'
keys N N
see "search: back, and on from the other end" '11/11 '
keys '?' 'row 1' Enter
see "search: upwards" '111/112 |111/111 '
keys / 'nowhere' Enter
see "search: not found is said" 'not found: nowhere'
keys / 'Row' Enter
see "search: capitals count" 'not found: Row'
stands_still "scrolled up"

# The copy mode.
keys M-c
see "copy mode: said" 'copy +↑ [0-9]+ lines'
stands_still "copy mode"
keys g V j j y
see "copy mode: copied" 'copied: 17 bytes'
copied=$'row 1\nrow 2\nrow 3'
clipboard_has() { [ "$(mux show-buffer 2>/dev/null)" = "$1" ]; }
check "copy mode: the terminal has it" t_until clipboard_has "$copied"
keys M-p M-v
see "paste: into the prompt" '▸ row 1.row 2.row 3'
keys C-c
keys M-1
see "the pane stays where it was" '↑ [0-9]+ lines'
keys M-c g w v '$' y
see "copy mode: a word" 'copied: 1 bytes'
check "copy mode: the terminal has it" t_until clipboard_has 1

# Into a file.
keys M-c g V j s
see "save: asks where" 'save what is selected to'
keys "$t_dir/saved" Enter
see "save: said" '2 lines written to'
same "save: what was selected" "$(cat "$t_dir/saved")" $'row 1\nrow 2'
same "save: for nobody else" "$(stat -c %a "$t_dir/saved")" 600
keys Escape
see_no "the copy mode is left" 'copy +↑'
keys s
see "save: all" 'save all of the pane to'
keys "$t_dir/saved" Enter
see "save: asks before it overwrites" 'Overwrite .*saved'
keys n
see_no "save: no is no" 'Overwrite'
same "save: it is as it was" "$(wc -l <"$t_dir/saved")" 2
keys s "$t_dir/saved" Enter y
see "save: yes" 'lines written to'
same "save: the beginning" "$(head -n 1 "$t_dir/saved")" 'row 1'
check "save: all of it" grep -qx 'The Needle' "$t_dir/saved"

# All that comes, into a file.
keys End
see "following again" 'run .* follow'
see "it flows again: a number" 'tick [0-9]+'
now=$(ticks)
check "it flows again" t_until past "$now"
mkfifo "$t_dir/fifo"
keys M-o "$t_dir/fifo" Enter
see "pipe: only into plain files" 'is no plain file'
keys M-o "$t_dir/piped" Enter
see "pipe: the title says it" '▸piped'
check "pipe: it has lines" t_until eval '[ "$(wc -l <"$t_dir/piped")" -gt 5 ]'
keys M-o
see "pipe: ended" 'no more is written to'
see_no "pipe: nor does the title say it" '▸piped'
size=$(stat -c %s "$t_dir/piped")
now=$(ticks)
check "the program goes on" t_until past $((now + 5))
same "pipe: no more came" "$(stat -c %s "$t_dir/piped")" "$size"
same "pipe: nothing but text" "$(grep -vcE '^tick [0-9]+$' "$t_dir/piped")" 0
keys C-c
see "ended" 'exec web .*(exit 130|signal 2)'
keys M-p

# Long lines.
keys 'set wrap off' Enter
keys "exec web -- sh -c 'seq -s - 1000 1060; sleep 1000'" Enter
see "long lines: go on beyond the edge" '1000-1001-.*›$'
keys M-Right
see "long lines: to the right" '→ 44 '
see "long lines: the edges say that they go on" '│‹.*›$'
keys M-Right M-Right M-Right M-Right M-Right
see "long lines: their end" '-1060$'
keys M-w
see_no "long lines: at the beginning again" '→ [0-9]+'

# A window that is made narrower cuts nothing of what has ended.
keys M-p 'set wrap on' Enter
keys 'exec web -- seq -s - 2000 2016' Enter
see "narrower: a line that fits" '2000-.*-2016'
keys M-p
mux resize-window -x 60 -y 24
see "narrower: it goes on beyond the edge" '2000-.*›$'
keys M-Right
see "narrower: and is there" '-2016'
mux resize-window -x 120 -y 30
keys M-Left
see "wide again: whole" '2000-.*-2016'

# A VM that dies.
kill -9 "$(t_pid web hypervisor)"
see "lost: said, with the cause" 'lost +qemu was killed'
keys M-2 C-d
see "left: the host's shell" 'host>'
check "cleaned up" smolsh delete --all --force --yes
mux kill-server
t_end
