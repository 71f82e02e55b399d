#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the pictures of the screen that the documents show: a real session with real guests in a
# terminal of its own. Usage: docs/screens/make.sh [BUILD]   (the directory with smolsh, default: .)
# shellcheck disable=SC2016
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-.}" && pwd)
set --
SMOLSH_BUILD=$build
. "$here/../../tests/integration/lib.sh"
t_begin "screens"
. "$here/../../tests/lib/tmux.sh"
export TERM=xterm-256color

# picture NAME: what the screen shows now.
picture() {
	if mux capture-pane -e -p -N | "$here/svg.pl" >"$here/$1.svg"; then
		ok "$1.svg"
	else
		not_ok "$1.svg"
	fi
}

mux new-session -d -x 120 -y 30 "env -u NO_COLOR COLORTERM= HISTFILE= bash --norc --noprofile"
keys "PS1='host> '; clear" Enter
see "a shell on the host" '^host>$'
keys "$build/smolsh" Enter
see "first start" 'No VM yet'
mux resize-window -x 80 -y 24
see "first start" 'No VM yet'
picture first

mux resize-window -x 120 -y 30
for vm in 'web --label role=front' 'db --label role=back' 'cache --label role=front'; do
	keys "create $vm" Enter
	see "created: ${vm%% *}" "● ${vm%% *} +run"
done
keys 'create old --no-start' Enter
see "created: old" '○ old'
keys 'exec web -- sh -c "while usleep 300000; do i=$((i+1)); echo $(date +%T) GET /item/$i 200; done"' Enter
see "web prints" 'GET /item/9 '
keys 'exec db -- sh -c "while usleep 900000; do i=$((i+1)); echo checkpoint $i: wrote $((i*7%13)) buffers; done"' Enter
see "db prints" 'checkpoint 3:'
keys 'shell cache' Enter
see "a shell" 'root@cache:'
keys 'ls -l /etc | head -8; uname -rm' Enter
see "which has listed" 'x86_64'
keys M-p M-l Home Up Up Up Up Space Space M-p
keys 'exec @marked -- df -h /'
see "whom it reaches" '→ cache, db'
see "what they use" '[0-9]%'
picture main
keys C-u 'e' Tab
see "candidates" '┊ exec'
picture complete
keys C-u M-l
see "the list" 'Space mark'
keys D
see "asked" 'Delete '
picture question
keys n Up Up i
see "details" '2 events'
see "details: jobs" '(running|signalled|exited) .*sh'
picture details
keys Escape
see "the list again" 'Space mark'
keys M-p
mux resize-window -x 80 -y 24
see "narrow" '●web'
keys M-2
picture narrow
keys M-p C-d
see "leaving" 'Leave'
keys y
see "left" 'host>'
mux kill-server
t_end
