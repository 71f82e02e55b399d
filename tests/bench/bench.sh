#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures smolsh beside its peers, in one run and pair by pair; prints a table, and JSON where asked.
# What each figure means is in README.md. All that it makes is in one temporary directory, all that
# it starts is ended by pid; a peer that is not there is said to be absent and is no failure.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$PWD
json=
runs=7
cold_runs=5
wanted=()

usage() {
	cat <<-END
		Usage: bench.sh [option…] [MEASURE…]
		Measures: cold exec out in list idle (all of them)
		  --build DIR   the build tree (.)
		  --json FILE   the results as JSON, too
		  --runs N      pairs of each short measure; exec and list take five times as many (7)
		  --cold N      pairs of cold boots (5)
		VHOST_DEVICE_VSOCK names that program where it is not in PATH.
	END
}

while [ $# -gt 0 ]; do
	case $1 in
	--build) build=$2 && shift ;;
	--json) json=$2 && shift ;;
	--runs) runs=$2 && shift ;;
	--cold) cold_runs=$2 && shift ;;
	--help) usage && exit ;;
	cold | exec | out | in | list | idle) wanted+=("$1") ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift
done

build=$(cd "$build" && pwd) || exit
# shellcheck disable=SC2034 # for those sourced below, as more of what follows
tools=$build/tests/bench
for file in smolsh smolsh-vsockd tests/bench/stopwatch tests/bench/qga_exec tests/bench/vsock_pipe; do
	[ -x "$build/$file" ] && continue
	echo "bench: $build/$file is not built; run: make bench" >&2
	exit 2
done
case $json in '' | /*) ;; *) json=$PWD/$json ;; esac

tmp=$(mktemp -d /tmp/smolsh-bench-XXXXXX) || exit
cache=${SMOLSH_HOME:+$SMOLSH_HOME/cache}
cache=${cache:-${XDG_CACHE_HOME:-$HOME/.cache}/smolsh}
mkdir -p "$cache" && mkdir -m 700 "$tmp/home" && ln -s "$cache" "$tmp/home/cache" || exit
export SMOLSH_HOME=$tmp/home SMOLSH_IMAGES=$tmp/images
token=$(od -An -vtx1 -N32 /dev/urandom | tr -d ' \n')
vhost_device_vsock=${VHOST_DEVICE_VSOCK:-$(command -v vhost-device-vsock)}
rows=()

# shellcheck source=SCRIPTDIR/peers.sh
. "$here/peers.sh"
# shellcheck source=SCRIPTDIR/measures.sh
. "$here/measures.sh"
[ ${#wanted[@]} -gt 0 ] || wanted=("${measures[@]}")

clean_up() {
	trap - EXIT INT TERM
	"$build/smolsh" delete --all --force --yes >/dev/null 2>&1
	end_all
	rm -rf "$tmp"
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

# ---- results ----

numbers() { grep -E '^[0-9.]+$' "$1"; }
median_of() {
	sort -g | awk '{ v[NR] = $1 }
		END { if (NR) printf "%.3f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
# The median of the pairs' ratios; pairs of which one half is missing are left out.
ratio_of() {
	paste "$1" "$2" | awk '$1 > 0 && $2 > 0 { printf "%.6f\n", $1 / $2 }' | median_of
}
list_of() { numbers "$1" | paste -sd, -; }

# row MEASURE UNIT OURS PEER-NAME PEER KIND GOAL: OURS and PEER are functions that pairs has run,
# PEER empty where it is absent. KIND: ratio (ours/peer at most GOAL), at_most (ours at most GOAL),
# or empty. Kept as one line of text with | between the cells.
row() {
	local ours peer='' ratio='' met='' mine=$tmp/values.$3 theirs=${5:+$tmp/values.$5}
	ours=$(numbers "$mine" | median_of)
	if [ -n "$theirs" ]; then
		peer=$(numbers "$theirs" | median_of)
		ratio=$(ratio_of "$mine" "$theirs")
	fi
	case $6 in
	ratio) met=$(at_most "$ratio" "$7") ;;
	at_most) met=$(at_most "$ours" "$7") ;;
	esac
	rows+=("$1|$2|$ours|$4|$peer|$ratio|$6|$7|$met|$(list_of "$mine")|${theirs:+$(list_of "$theirs")}")
}
at_most() { [ -n "$1" ] && awk -v a="$1" -v b="$2" 'BEGIN { print a <= b ? "yes" : "no" }'; }

rounded() { [ -z "$1" ] || awk -v v="$1" 'BEGIN { printf v < 100 ? "%.2f" : "%.0f", v }'; }

print_table() {
	local r cells goal format='%-8s %10s %-4s %-32s %10s %7s %7s %5s\n'
	# shellcheck disable=SC2059
	printf "$format" measure ours '' peer '' ratio goal met
	for r in "${rows[@]}"; do
		IFS='|' read -ra cells <<<"$r"
		goal=${cells[7]-}
		[ -z "$goal" ] || goal="≤ $goal"
		# The sign has three bytes for printf, which pads bytes.
		[ -z "$goal" ] || goal=$(printf '%*s%s' $((7 - ${#cells[7]} - 2)) '' "$goal")
		# shellcheck disable=SC2059
		printf "${format//%7s %5s/%s %5s}" "${cells[0]}" "$(rounded "${cells[2]}")" "${cells[1]}" \
			"${cells[3]}" "$(shown_peer "${cells[3]}" "${cells[4]}")" \
			"$(rounded "${cells[5]}")" "${goal:-       }" "${cells[8]-}"
	done
}
shown_peer() { if [ -n "$1" ] && [ -z "$2" ]; then echo absent; else rounded "$2"; fi; }

text_or_null() { if [ -n "$1" ]; then printf '"%s"' "$1"; else printf null; fi; }
number_or_null() { printf '%s' "${1:-null}"; }

print_json() {
	local r cells comma='' met
	printf '{"version":1,"date":"%s","cpus":%d,"accel":"%s","runs":%d,"cold_runs":%d,"rows":[' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(nproc)" "$accel" "$runs" "$cold_runs"
	for r in "${rows[@]}"; do
		IFS='|' read -ra cells <<<"$r"
		case ${cells[8]-} in yes) met=true ;; no) met=false ;; *) met=null ;; esac
		printf '%s\n{"measure":"%s","unit":"%s","ours":%s,"peer":%s,"peer_value":%s,"ratio":%s' \
			"$comma" "${cells[0]}" "${cells[1]}" "$(number_or_null "${cells[2]}")" \
			"$(text_or_null "${cells[3]}")" "$(number_or_null "${cells[4]}")" \
			"$(number_or_null "${cells[5]}")"
		printf ',"goal_kind":%s,"goal":%s,"met":%s,"ours_runs":[%s],"peer_runs":[%s]}' \
			"$(text_or_null "${cells[6]-}")" "$(number_or_null "${cells[7]-}")" "$met" \
			"${cells[9]-}" "${cells[10]-}"
		comma=,
	done
	printf '\n]}\n'
}

need_base
accel=$("$build/smolsh" --json doctor 2>/dev/null | grep -q '"kvm (' && echo kvm || echo tcg)
for name in "${wanted[@]}"; do
	note "measuring: $name"
	"measure_$name"
done
print_table
[ -z "$json" ] || print_json >"$json"
