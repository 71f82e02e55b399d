# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with bench.sh
# Measures of files: `files` copies them both ways, `gib` lets a gibibyte of output pass. Sourced by
# bench.sh. All is in memory (tmpfs), in the guests and, where there is room for it, here. And it is
# random: `cp` would not send what is a hole.

: "${build:?}" "${tmp:?}" "${tools:?}" "${runs:?}" "${slow_runs:?}"

small_files=1000 # of 1 KiB
broken=0	 # 1: something came out wrong, which is no matter of speed

# ---- what is copied ----

# $tmp/files, a place for it in the guests, and one, $got, for what comes back.
need_files() {
	local i room
	[ ! -d "$tmp/files" ] || return 0
	mkdir -p "$tmp/files/small" || exit
	head -c 1M /dev/urandom >"$tmp/files/1M"
	head -c "$bulk" /dev/urandom >"$tmp/files/256M"
	for ((i = 0; i < small_files; i++)); do
		head -c 1024 /dev/urandom >"$tmp/files/small/$i"
	done
	got=$tmp/got
	room=$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)
	# A file system on a disk takes longer to make 1,000 files than they take to come.
	if [ "${room:-0}" -ge 524288 ]; then
		shm=$(mktemp -d /dev/shm/smolsh-bench-XXXXXX) && got=$shm/got
	fi
	in_ours 'mkdir /bench && mount -t tmpfs -o size=80% tmpfs /bench' || exit
}

uds_of_ours() { "$build/smolsh" --json info bench | tr -d '\n' | sed -E 's/.*"path":"([^"]*)".*/\1/'; }
in_ours() { "$build/smolsh" exec bench "$1" 2>>"$tmp/bench.log"; }

# Their guest's place is made when the first of them needs it.
need_their_place() {
	[ -z "${have_their_place-}" ] || return 0
	have_their_place=1
	asked 'mkdir /bench && mount -t tmpfs -o size=80% tmpfs /bench'
}

# ---- files: $what (1M, 256M, small) to the guest's /bench, and from there ----

ours_put() {
	in_ours "rm -rf /bench/$what"
	took "$build/smolsh" cp -r "$tmp/files/$what" "bench:/bench/$what"
}
ours_get() {
	rm -rf "$got"
	took "$build/smolsh" cp -r "bench:/bench/$what" "$got"
}

sftp_put() {
	asked "rm -rf /bench/$what"
	sftp_took "put -r $tmp/files/$what /bench/$what"
}
sftp_get() {
	rm -rf "$got"
	sftp_took "get -r /bench/$what $got"
}
sftp_took() { sftp_batch "$1" "$tools/stopwatch" 3>&1 | ms; }

# The same content through our device and the guest's kernel, and nothing else: no agent, no file
# written, no SHA-256.
raw_put() {
	sent "$our_uds" "$tmp/files/$what" \
		in_ours "socat -u -b 262144 VSOCK-LISTEN:$send_port OPEN:/dev/null"
}
raw_get() {
	received "${our_uds}_$receive_port" "$(stat -c %s "$tmp/files/$what")" \
		in_ours "socat -u -b 262144 OPEN:/bench/$what VSOCK-CONNECT:2:$receive_port"
}

# copies WAY WHAT PAIRS [raw]
copies() {
	local what=$2 peers=() theirs=
	[ -n "${absent[sftp]-}" ] || theirs=sftp_$1
	[ -z "$theirs" ] || peers+=("$theirs")
	[ -z "${4-}" ] || peers+=("raw_$1")
	pairs "$3" "ours_$1" "${peers[@]}"
	row "$1-$2" ms "ours_$1" 'sftp, multiplexed ssh' "$theirs" ratio 0.20
	[ -z "${4-}" ] || row "$1-$2" ms "ours_$1" 'the raw stream (the floor)' "raw_$1" ratio 1.10
}

measure_files() {
	local what raw=raw
	need_guests sftp
	need_files
	[ -n "${absent[sftp]-}" ] || need_their_place || absent[sftp]="no room in the peers' guest"
	our_uds=$(uds_of_ours)
	in_ours 'command -v socat >/dev/null' || raw=
	for what in '1M '"$runs" "256M $slow_runs $raw" "small $slow_runs"; do
		# shellcheck disable=SC2086 # words
		copies put $what
		# shellcheck disable=SC2086
		copies get $what
	done
}

# ---- gib: 1 GiB of output, counted and hashed on its way ----

ours_gib() {
	local big=/bench/256M begun ended
	begun=$("$tools/vsock_pipe" now)
	mkfifo "$tmp/gib" && wc -c <"$tmp/gib" >"$tmp/gib.bytes" &
	until_true test -p "$tmp/gib"
	"$build/smolsh" exec bench -- cat $big $big $big $big 2>>"$tmp/bench.log" |
		tee "$tmp/gib" | sha256sum >"$tmp/gib.sha" || return 1
	wait "$!"
	ended=$("$tools/vsock_pipe" now)
	rm "$tmp/gib"
	echo $((ended - begun)) | ms
}

measure_gib() {
	local file=$tmp/files/256M was
	need_vm
	need_files
	in_ours 'test -s /bench/256M' || "$build/smolsh" --quiet cp "$file" bench:/bench/256M || return 1
	pairs 1 ours_gib
	was=$(cat "$file" "$file" "$file" "$file" | sha256sum)
	if [ "$(cat "$tmp/gib.bytes")" != $((4 * bulk)) ] || [ "$(cat "$tmp/gib.sha")" != "$was" ]; then
		note "gib: what came is not what was written: $(cat "$tmp/gib.bytes") bytes"
		: >"$tmp/values.ours_gib"
		broken=1
	fi
	row gib ms ours_gib '' '' '' ''
}
