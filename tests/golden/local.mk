# SPDX-License-Identifier: GPL-3.0-or-later
# The language and what the shell says, compared with checked-in text.
dist_check_SCRIPTS += tests/golden/run.sh
TESTS += tests/golden/run.sh

# Named one by one: a directory as a whole would be taken with the logs of the last run in it.
EXTRA_DIST += \
	tests/golden/alias.in tests/golden/alias.out \
	tests/golden/bind.in tests/golden/bind.out \
	tests/golden/backslash-last.in tests/golden/backslash-last.out \
	tests/golden/both-faces.in tests/golden/both-faces.out \
	tests/golden/c-lines.in tests/golden/c-lines.out \
	tests/golden/c-with-words.in tests/golden/c-with-words.out \
	tests/golden/cp.in tests/golden/cp.out \
	tests/golden/disk.in tests/golden/disk.out \
	tests/golden/dry-run-words.in tests/golden/dry-run-words.out \
	tests/golden/empty.in tests/golden/empty.out \
	tests/golden/exec-help.in tests/golden/exec-help.out \
	tests/golden/f-with-words.in tests/golden/f-with-words.out \
	tests/golden/file-missing.in tests/golden/file-missing.out \
	tests/golden/help-exec.in tests/golden/help-exec.out \
	tests/golden/help-exit-codes.in tests/golden/help-exit-codes.out \
	tests/golden/help-help.in tests/golden/help-help.out \
	tests/golden/help-image-build.in tests/golden/help-image-build.out \
	tests/golden/help-image.in tests/golden/help-image.out \
	tests/golden/help-json.in tests/golden/help-json.out \
	tests/golden/help-language.in tests/golden/help-language.out \
	tests/golden/help-rc.in tests/golden/help-rc.out \
	tests/golden/help-run.in tests/golden/help-run.out \
	tests/golden/help-stop.in tests/golden/help-stop.out \
	tests/golden/help.in tests/golden/help.out \
	tests/golden/json-option.in tests/golden/json-option.out \
	tests/golden/json-syntax.in tests/golden/json-syntax.out \
	tests/golden/json.in tests/golden/json.out \
	tests/golden/json-guest.in tests/golden/json-guest.out \
	tests/golden/json-late.in tests/golden/json-late.out \
	tests/golden/json-late-option.in tests/golden/json-late-option.out \
	tests/golden/keep-going.in tests/golden/keep-going.out \
	tests/golden/labels.in tests/golden/labels.out \
	tests/golden/language.in tests/golden/language.out \
	tests/golden/no-command.in tests/golden/no-command.out \
	tests/golden/quiet-list.in tests/golden/quiet-list.out \
	tests/golden/quote-open.in tests/golden/quote-open.out \
	tests/golden/set.in tests/golden/set.out \
	tests/golden/stdin-is-the-script.in tests/golden/stdin-is-the-script.out \
	tests/golden/stops-at-first.in tests/golden/stops-at-first.out \
	tests/golden/usage.in tests/golden/usage.out \
	tests/golden/values.in tests/golden/values.out
