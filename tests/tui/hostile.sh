#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a guest prints stays in its pane: nothing of it reaches the terminal but cells, and nothing is
# typed. Each sequence is one with which a guest has moved, told or asked somebody's terminal before.
# shellcheck disable=SC2016
. "$(dirname "$0")/../integration/lib.sh"
t_begin "tui: hostile output"
. "$(dirname "$0")/../lib/tmux.sh"

check "a VM" smolsh create web
check "programs that it has" smolsh exec -i web -- sh -c 'cat >/tmp/evil && chmod +x /tmp/evil' <<'GUEST'
#!/bin/sh
# The text around each one shows that nothing else was eaten.
printf 'a\033]0;TITLE\007b\n'
printf 'a\033]2;TITLE\033\\b\n'
printf 'a\033]52;c;RVZJTA==\007b\n'
printf 'a\033]52;c;?\007b\n'
printf 'a\033]8;;http://evil.example/\033\\link\033]8;;\033\\b\n'
printf 'a\033]4;1;rgb:00/00/00\007b\n'
printf 'a\033]1337;File=name=x:AAAA\007b\n'
printf 'a\033]777;notify;x;y\007b\n'
printf 'a\033P$q"p\033\\b\n'
printf 'a\033P1;1|17/41\033\\b\n'
printf 'a\033_Gf=24,s=1,v=1;AAAA\033\\b\n'
printf 'a\033^private\033\\b\n'
printf 'a\033Xstring\033\\b\n'
printf 'a\033ktitle\033\\b\n'
printf 'a\033[21tb\n'
printf 'a\033[8;10;10tb\n'
printf 'a\033[5nb\n'
printf 'a\033[6nb\n'
printf 'a\033[cb\n'
printf 'a\033[>cb\n'
printf 'a\033[?1$pb\n'
printf 'a\005b\n'
printf 'a\033Zb\n'
printf 'a\007b\n'
printf 'a\302\235 0;C1 TITLE\302\234b\n'
printf 'a\033#8b\n'
printf '\033[999;999H\033[5i\033[4i\033[?3h\033[?3l\n'
printf '\033[?1049h\033[2J\033[999;999Hcorner\033[?1049l\n'
printf '\033c'
echo after-all
GUEST

mux new-session -d -x 120 -y 30 "env -u NO_COLOR HISTFILE= bash --norc --noprofile"
mux set -g set-clipboard on
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
title=$(mux display-message -p '#{pane_title}')
keys "$SMOLSH_BUILD/smolsh" Enter
see "the screen is there" 'Tab complete'
# All bytes that the terminal is sent from here on.
mux pipe-pane -O "cat >$t_dir/bytes"
keys 'exec -t web -- sh -c "/tmp/evil; cat"' Enter
see "all of it was printed" 'after-all'
see "the list stands where it stood" '^.{0,4}● web +run'
see "and the prompt" '^ ▸'
see "and the hints" 'Alt-p prompt'
keys M-p
keys 'list' Enter
see "the prompt works, nothing was typed there" '▸ list *$'
see "it has run" 'web +[0-9a-f]{12} +running'
same "the terminal's title is as it was" "$(mux display-message -p '#{pane_title}')" "$title"
same "nothing was copied" "$(mux show-buffer 2>&1)" "no buffers"
mux pipe-pane
check "bytes were seen" test -s "$t_dir/bytes"
same "no string but our own reaches the terminal" \
	"$(LC_ALL=C grep -acP '\x1b[\]PX^_k]|\x90|\xc2[\x90\x98\x9d-\x9f]' "$t_dir/bytes")" 0
same "no query does" "$(LC_ALL=C grep -acP '\x1b\[[>=?]?[0-9;]*[cnt]|\x1b\[\?[0-9;]*\$p|\x1bZ|\x05' "$t_dir/bytes")" 0
same "no mode of the printer or the width does" "$(LC_ALL=C grep -acP '\x1b\[\??[345]i|\x1b\[\?3[hl]|\x1bc|\x1b#8' "$t_dir/bytes")" 0

# Wide and combining characters: what stands behind them stays in its column.
keys M-x
keys $'exec web -- printf "%b\\n" 日本語-wide e\u0301-combined 👩‍👩‍👧-joined \\\\342\\\\202-cut' Enter
see "wide characters" '日本語-wide'
see "combining characters" $'(\u00e9|e\u0301)-combined'
see "characters that are joined: the line goes on" '.-joined'
see "half a character: shown as one that is none" '-cut'
see "the bar is where it was" '^.{30}│'
same "the bar is in one column in all lines" \
	"$(screen | sed -n '2,26p' | grep -cvE '^.{30}(│|┤|├|┼)')" 0
same "the VM is well" "$(smolsh exec web -- echo yes)" yes
mux kill-server
t_end
