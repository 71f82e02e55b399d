/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/commands.h"
const struct smol_command smol_cmd_health[] = {{0}};
