# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with bench.sh
# Values become rows, and rows a table, JSON or Markdown. Sourced by bench.sh.

: "${tmp:?}"

rows=()

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
	local r cells goal format='%-9s %10s %-4s %-32s %10s %7s %7s %5s\n'
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
	printf '{"version":1,"date":"%s","cpus":%d,"accel":"%s","runs":%d,"cold_runs":%d,"slow_runs":%d,"rows":[' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(nproc)" "$accel" "$runs" "$cold_runs" "$slow_runs"
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

# The section "Results" of README.md.
print_markdown() {
	local r cells bound
	printf '## Results\n\nOne run, %s: %d cores, guests under %s, %s.\n\n' "$(date -u +%F)" "$(nproc)" \
		"$accel" "$(qemu-system-x86_64 --version | sed -nE '1s/.*version ([0-9.]+).*/QEMU \1/p')"
	printf '| measure | ours | peer | its value | ratio | goal | met |\n|---|--:|---|--:|--:|---|---|\n'
	for r in "${rows[@]}"; do
		IFS='|' read -ra cells <<<"$r"
		bound=${cells[7]:+≤ ${cells[7]}}
		[ "${cells[6]-}" != at_most ] || bound="$bound ${cells[1]}"
		printf '| %s | %s %s | %s | %s | %s | %s | %s |\n' "${cells[0]}" "$(rounded "${cells[2]}")" \
			"${cells[1]}" "${cells[3]}" "$(shown_peer "${cells[3]}" "${cells[4]}")" \
			"$(rounded "${cells[5]}")" "$bound" "${cells[8]-}"
	done
}
