#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Much of everything: 256 MiB out of a command and into one, to the byte.
# shellcheck disable=SC2016 # words for a shell of the guest
. "$(dirname "$0")/lib.sh"
t_begin bulk

check "create" smolsh create --memory 256M web
# No two mebibytes are the same, so none may be lost, doubled or changed for another.
head -c 1048560 /dev/urandom >"$t_dir/block"
check "the block goes in" smolsh cp "$t_dir/block" web:/root/block
stream='i=0; while [ $i -lt 256 ]; do printf "%016d" $i; cat block; i=$((i + 1)); done'
whole() { (cd "$t_dir" && sh -c "$stream"); }
want=$(whole | sha256sum)
same "it is 256 MiB" "$(whole | wc -c)" 268435456

same "256 MiB of stdout" "$(smolsh exec --cwd /root web -- sh -c "$stream" | sha256sum)" "$want"
same "256 MiB of stderr" "$(smolsh exec --cwd /root web -- sh -c "($stream) >&2" 2>&1 >/dev/null | sha256sum)" "$want"
same "256 MiB of stdin" "$(whole | smolsh exec -i web -- sha256sum)" "$want"
same "both ways at once" "$(whole | smolsh exec -i web -- cat | sha256sum)" "$want"
same "to a file and back" "$(head -c 67108864 < <(whole) | smolsh cp - web:/root/file && smolsh cp web:/root/file - | sha256sum)" \
	"$(head -c 67108864 < <(whole) | sha256sum)"

# What it was given to carry it does not keep.
held=$(smolsh exec web -- sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = smolsh-agent ] && sed -n "s/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p" $p/status; done')
check "the agent holds less than 4 MiB afterwards: ${held:-?} KiB" test "${held:-4096}" -lt 4096

t_end
