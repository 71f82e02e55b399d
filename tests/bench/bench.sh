#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures smolsh beside its peers, in one run and pair by pair; prints a table, and JSON where asked.
# What each figure means is in README.md. All that it makes is in one temporary directory, all that
# it starts is ended by pid; a peer that is not there is said to be absent and is no failure.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$PWD
json=
markdown=
runs=7
cold_runs=5
slow_runs=3
wanted=()

usage() {
	cat <<-END
		Usage: bench.sh [option…] [MEASURE…]
		Measures: cold exec open line out in bulk files gib list idle screen (all of them)
		  --build DIR      the build tree (.)
		  --json FILE      the results as JSON, too
		  --markdown FILE  the results as a section for README.md, too
		  --runs N         pairs of each short measure; exec and list take five times as many (7)
		  --cold N         pairs of cold boots (5)
		  --slow N         pairs of copies for which a peer needs long (3)
		VHOST_DEVICE_VSOCK names that program where it is not in PATH.
	END
}

while [ $# -gt 0 ]; do
	case $1 in
	--build) build=$2 && shift ;;
	--json) json=$2 && shift ;;
	--markdown) markdown=$2 && shift ;;
	--runs) runs=$2 && shift ;;
	--cold) cold_runs=$2 && shift ;;
	--slow) slow_runs=$2 && shift ;;
	--help) usage && exit ;;
	cold | exec | open | line | out | in | bulk | files | gib | list | idle | screen | screen_*) wanted+=("$1") ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift
done

build=$(cd "$build" && pwd) || exit
# shellcheck disable=SC2034 # for those sourced below, as more of what follows
tools=$build/tests/bench
for file in smolsh smolsh-vsockd tests/bench/{echo_line,fake_vm,qga_exec,screen,ssh_exec,stopwatch,vm_exec,vsock_bulk,vsock_pipe}; do
	[ -x "$build/$file" ] && continue
	echo "bench: $build/$file is not built; run: make bench" >&2
	exit 2
done
case $json in '' | /*) ;; *) json=$PWD/$json ;; esac
case $markdown in '' | /*) ;; *) markdown=$PWD/$markdown ;; esac

tmp=$(mktemp -d /tmp/smolsh-bench-XXXXXX) || exit
cache=${SMOLSH_HOME:+$SMOLSH_HOME/cache}
cache=${cache:-${XDG_CACHE_HOME:-$HOME/.cache}/smolsh}
mkdir -p "$cache" "$tmp/images" && mkdir -m 700 "$tmp/home" && ln -s "$cache" "$tmp/home/cache" || exit
export SMOLSH_HOME=$tmp/home SMOLSH_IMAGES=$tmp/images
token=$(od -An -vtx1 -N32 /dev/urandom | tr -d ' \n')
vhost_device_vsock=${VHOST_DEVICE_VSOCK:-$(command -v vhost-device-vsock)}
# shellcheck source=SCRIPTDIR/results.sh
. "$here/results.sh"
# shellcheck source=SCRIPTDIR/peers.sh
. "$here/peers.sh"
# shellcheck source=SCRIPTDIR/measures.sh
. "$here/measures.sh"
# shellcheck source=SCRIPTDIR/files.sh
. "$here/files.sh"
# shellcheck source=SCRIPTDIR/screen.sh
. "$here/screen.sh"
[ ${#wanted[@]} -gt 0 ] || wanted=("${measures[@]}")
for name in "${wanted[@]}"; do
	declare -F "measure_$name" >/dev/null && continue
	echo "bench: there is no measure $name" >&2
	exit 2
done

clean_up() {
	trap - EXIT INT TERM
	mux kill-server 2>/dev/null
	"$build/smolsh" delete --all --force --yes >/dev/null 2>&1
	end_all
	rm -rf "$tmp" ${shm:+"$shm"}
}
trap clean_up EXIT
trap 'exit 130' INT TERM

our_pid() {
	"$build/smolsh" --json info bench | tr -d '\n' |
		sed -E "s/.*\"$1\":\{[^}]*\"pid\":([0-9]+).*/\1/"
}

# of_base KEY: what the list of images says of the image "base".
of_base() {
	"$build/smolsh" --json image list | tr -d '\n' |
		sed -nE "s/.*\"name\":\"base\"[^{}[]*\"$1\":\"([^\"]*)\".*/\1/p"
}

# ---- what several measures need, made once ----

need_base() {
	base=$(of_base dir)
	[ -n "$base" ] || "$build/smolsh" --quiet image build >&2 || exit
	base=$(of_base dir)
}

# Our own VM "bench": of the image with the peers in it, if that can be had.
need_vm() {
	[ -z "${have_vm-}" ] || return 0
	build_image
	note "starting our VM"
	if [ -d "$tmp/images/bench" ]; then
		"$build/smolsh" --quiet create --name bench --image bench --memory "$memory" >/dev/null || exit
	else
		"$build/smolsh" --quiet create --name bench --memory "$memory" >/dev/null || exit
	fi
	"$build/smolsh" exec bench "truncate -s $bulk /tmp/big" || exit
	have_vm=1
}

# need_guests PEER…: our VM, and beside it the peers' guest with these in it.
need_guests() {
	local peer
	need_vm
	if [ -z "${tried_guest-}" ]; then
		tried_guest=1
		if [ -z "$vhost_device_vsock" ]; then
			absent[guest]="vhost-device-vsock is not installed (VHOST_DEVICE_VSOCK names it)"
		elif [ -z "${absent[guest]-}" ]; then
			note "starting the peers' guest"
			start_peer_guest && asked "truncate -s $bulk /tmp/big" ||
				absent[guest]="the peers' guest does not start"
		fi
		[ -z "${absent[guest]-}" ] || note "no peers in a guest: ${absent[guest]}"
	fi
	for peer in "$@"; do
		case $peer in
		qemu_ga) once start_qemu_ga qemu-ga ;;
		ssh) once start_ssh dropbear ;;
		sftp) once start_sftp sftp ;;
		socat) once true socat ;;
		esac
	done
}

# once FUNCTION PEER: start a peer in the guest, if there is one.
once() {
	[ -z "${absent[guest]-}" ] || absent[$2]=${absent[guest]}
	case " ${begun-} " in *" $2 "*) return ;; esac
	begun="${begun-} $2"
	[ -n "${absent[$2]-}" ] || "$1"
	[ -z "${absent[$2]-}" ] || note "$2 is absent: ${absent[$2]}"
}

need_base
accel=$("$build/smolsh" --json doctor 2>/dev/null | grep -q '"kvm (' && echo kvm || echo tcg)
for name in "${wanted[@]}"; do
	note "measuring: $name"
	"measure_$name"
done
print_table
[ -z "$json" ] || print_json >"$json"
[ -z "$markdown" ] || print_markdown >"$markdown"
[ "$broken" = 0 ]
