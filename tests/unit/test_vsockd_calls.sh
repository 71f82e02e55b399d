#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The device's list of system calls (src/vsockd/filter.c) against its code. What runs once it is
# locked up begins in smol_vsockd_serve(): a program is linked of just what that can reach, functions without a way to them left out, and what that program
# wants of the C library is all that the device may want. The table says which system calls that
# makes. Nothing may be wanted that is not listed, nothing listed that is not wanted.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 99
src=$top/src
dir=$(mktemp -d /tmp/smolsh-calls-XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C
failed=0

# function of the C library: its system calls, as glibc makes them on x86-64 ("-": none)
table='
__errno_location -
_exit            exit_group
accept4          accept4
clock_gettime    clock_gettime
close            close
connect          connect
epoll_ctl        epoll_ctl
epoll_wait       epoll_wait
fcntl            fcntl
free             brk munmap
madvise          madvise
memchr           -
memcmp           -
memcpy           -
memmove          -
memset           -
mmap             mmap
munmap           munmap
read             read
readv            readv
recv             recvfrom
recvmsg          recvmsg
send             sendto
sendmsg          sendmsg
setsockopt       setsockopt
shutdown         shutdown
snprintf         -
socket           socket
strerror         -
strlen           -
syscall          -
vasprintf        brk mmap
vsnprintf        -
write            write
writev           writev
'
# main() returns; on_sigbus() in main.c ends the process, end_sweeper() makes none but others do
always='exit_group write'

# symbols FILES OF OBJECTS -- what the program made of them wants
wants() {
	cc -nostartfiles -Wl,--gc-sections -Wl,-e,smol_vsockd_serve -o "$dir/reached" "$@" -lseccomp && nm -D -u "$dir/reached" | sed 's/.* //; s/@.*//' | sort -u
}

compile() {
	cc -std=gnu17 -O1 -ffunction-sections -fdata-sections -D_GNU_SOURCE -DSMOL_DATADIR='""' \
		-DSMOL_LIBEXECDIR='""' -I"$src" -c "$1" -o "$2"
}

objects=()
for file in "$src"/vsockd/*.c "$src"/base/*.c; do
	[ "${file##*/}" = main.c ] && continue
	object=$dir/$(basename "$(dirname "$file")")-${file##*/}.o
	compile "$file" "$object" || exit 99
	objects+=("$object")
done
wanted=$(wants "${objects[@]}") || exit 99

# A library call, or a call by number, behind which nothing is known.
calls=$always
for symbol in $wanted; do
	line=$(grep "^$symbol " <<<"$table")
	if [ -z "$line" ]; then
		echo "not ok - $symbol() is used: which system calls does it make? (table in $0)"
		failed=1
	fi
	read -r _ made <<<"$line"
	[ "$made" = - ] || calls+=" $made"
done
# root.c is done when the list begins to hold
for file in "$src"/vsockd/*.c; do
	[ "${file##*/}" = root.c ] || calls+=" $(sed -n 's/.*syscall(SYS_\([a-z0-9_]*\).*/\1/p' "$file" | tr '\n' ' ')"
done
calls=$(tr -s ' ' '\n' <<<"$calls" | grep . | sort -u)
listed=$(sed -n 's/.*\(ANY\|WHERE\|SCMP_SYS\)(\([a-z0-9_]*\)[,)].*/\2/p' "$src/vsockd/filter.c" | grep -v '^name$' | sort -u)

[ "$(wc -l <<<"$listed")" -gt 15 ] || {
	echo "not ok - the list cannot be read"
	failed=1
}
for call in $(comm -23 <(echo "$calls") <(echo "$listed")); do
	echo "not ok - the code makes $call(), which is not listed: it would be killed"
	failed=1
done
for call in $(comm -13 <(echo "$calls") <(echo "$listed")); do
	echo "not ok - $call() is listed, and nothing makes it"
	failed=1
done
# What is left out by the linker must be something: else reachability is no test.
if ! grep -qx "smol_vsockd_isolate" <(nm "${objects[@]}" 2>/dev/null | sed 's/.* //') ||
	nm "$dir/reached" | grep -q "smol_vsockd_isolate"; then
	echo "not ok - what is not reached is not left out"
	failed=1
fi
[ $failed = 0 ] && echo "ok - $(wc -l <<<"$listed") system calls are listed, $(wc -w <<<"$wanted") functions make them"
exit $failed
