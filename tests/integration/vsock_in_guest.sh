#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# AF_VSOCK for real: in a guest whose kernel has vsock_loopback, a second agent listens on AF_VSOCK
# and the client's own tests reach it at CID 1. (Nothing here touches the host's vsock.)
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin vsock_in_guest

tests=(test_vsock_client test_agent_wire test_agent test_jobs test_files_agent test_compat)
check "the tests are built" make -C "$SMOLSH_BUILD" "${tests[@]/#/tests/unit/}"
for t in "${tests[@]}"; do
	[ -x "$SMOLSH_BUILD/tests/unit/$t" ] || { not_ok "$t is there"; t_end; }
done

# The libraries that the tests have and the agent has not.
libraries() {
	ldd "${tests[@]/#/$SMOLSH_BUILD/tests/unit/}" | awk '$3 ~ /^\// { print $3 }' | sort -u |
		grep -vxFf <(ldd "$SMOLSH_BUILD/smolsh-agent" | awk '$3 ~ /^\// { print $3 }')
}

check "create" smolsh create --memory 512M box
smolsh exec box -- mkdir /root/tests
for file in "${tests[@]/#/$SMOLSH_BUILD/tests/unit/}" $(libraries); do
	check "into the guest: ${file##*/}" smolsh cp "$file" box:/root/tests/
done
check "the guest's kernel loads vsock_loopback" smolsh exec box -- modprobe vsock_loopback

for t in "${tests[@]}"; do
	smolsh exec --env SMOLSH_AGENT=/init --env SMOLSH_TEST_VSOCK=1 \
		--env LD_LIBRARY_PATH=/root/tests box -- "/root/tests/$t" >"$t_dir/$t.log" 2>&1
	code=$?
	n=$(grep -c '^\[ *OK \]' "$t_dir/$t.log")
	if [ "$code" -eq 0 ] && [ "$n" -gt 0 ]; then
		ok "$t over AF_VSOCK: $n tests"
	else
		not_ok "$t over AF_VSOCK (exit $code)"
		grep -v '^\[ *\(OK\|RUN\) \]' "$t_dir/$t.log" | sed 's/^/    /' >&2
	fi
done

t_end
