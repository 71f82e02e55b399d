# SPDX-License-Identifier: GPL-3.0-or-later
# The manual: what is said once, and the command table's own words.
man1_MANS = docs/smolsh.1
EXTRA_DIST += docs/smolsh.1.in docs/architecture.md docs/protocol.md docs/image.md docs/backends.md docs/device.md docs/tui.md docs/screens
CLEANFILES += docs/smolsh.1 docs/smolsh.1.commands

docs/smolsh.1: docs/smolsh.1.in smolsh$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs && \
	./smolsh$(EXEEXT) --man > docs/smolsh.1.commands && \
	sed -e '/^@COMMANDS@$$/{' -e 'r docs/smolsh.1.commands' -e 'd' -e '}' \
		-e 's/@[V]ERSION@/$(PACKAGE_VERSION)/' $(srcdir)/docs/smolsh.1.in > $@.tmp && \
	mv $@.tmp $@
