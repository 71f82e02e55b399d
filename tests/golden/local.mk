# SPDX-License-Identifier: GPL-3.0-or-later
# The language and what the shell says, compared with checked-in text.
