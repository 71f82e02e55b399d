# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The lanes of tests: their names, and what each needs. Sourced by run-tests and tests/run.

# Lane, by default or on request, kinds of packages (tests/lib/deps.sh), what it does.
lanes_list() {
	cat <<'LIST'
lint         default build,unit,clang,lint   build with clang; gcc -fanalyzer, clang-tidy, cppcheck, shellcheck
unit         default build,unit              make check: unit tests and golden files
sanitize     default build,unit              the same with ASan and UBSan
golden       request build                   the command language's golden files alone
integration  default build,run,guest,unit    every command against real guests
nested       request build,run,guest,unit    vsock by the kernel: VMs in a guest that is the host; takes its time
tui          default build,run,guest,unit    the screen, through a terminal, with real guests
firecracker  request build,run,guest,unit    the life of a VM under the real Firecracker, where that and KVM are
fuzz         default build,clang             each fuzz target for FUZZ_SECONDS (15)
dist         default build,unit              make distcheck, make install
LIST
}

lanes_known() { lanes_list | grep -q "^$1 "; }
lanes_default() { lanes_list | awk '$2 == "default" { print $1 }'; }

# lanes_kinds LANE...: what they need, each kind once.
lanes_kinds() {
	local lane
	for lane in "$@"; do
		lanes_list | awk -v lane="$lane" '$1 == lane { print $3 }'
	done | tr , '\n' | sort -u
}

lanes_usage() {
	echo "usage: ./run-tests [--no-install] [LANE...]"
	echo "lanes (all that are not on request, unless some are named):"
	lanes_list | awk '{
		what = ""
		for (i = 4; i <= NF; i++)
			what = what " " $i
		printf "  %-12s%s%s\n", $1, what, $2 == "request" ? " (on request)" : ""
	}'
}
