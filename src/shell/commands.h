/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arrays of commands, one of each cmd_<noun>.c; see command.h. */
#ifndef SMOL_SHELL_COMMANDS_H
#define SMOL_SHELL_COMMANDS_H

#include "shell/command.h"

extern const struct smol_command smol_cmd_create[];
extern const struct smol_command smol_cmd_state[];
extern const struct smol_command smol_cmd_snapshot[];
extern const struct smol_command smol_cmd_stats[];
extern const struct smol_command smol_cmd_delete[];
extern const struct smol_command smol_cmd_list[];
extern const struct smol_command smol_cmd_info[];
extern const struct smol_command smol_cmd_exec[];
extern const struct smol_command smol_cmd_balloon[];
extern const struct smol_command smol_cmd_caps[];
extern const struct smol_command smol_cmd_cp[];
extern const struct smol_command smol_cmd_disk[];
extern const struct smol_command smol_cmd_jobs[];
extern const struct smol_command smol_cmd_wait[];
extern const struct smol_command smol_cmd_health[];
extern const struct smol_command smol_cmd_label[];
extern const struct smol_command smol_cmd_env[];
extern const struct smol_command smol_cmd_logs[];
extern const struct smol_command smol_cmd_forward[];
extern const struct smol_command smol_cmd_doctor[];
extern const struct smol_command smol_cmd_image[];
extern const struct smol_command smol_cmd_set[];
extern const struct smol_command smol_cmd_alias[];
extern const struct smol_command smol_cmd_bind[];
extern const struct smol_command smol_cmd_source[];
extern const struct smol_command smol_cmd_help[];

/* What makes a VM's configuration; shared by create and run. */
extern const struct smol_option smol_config_options[];
/* How a guest command is run; shared by exec and run. */
extern const struct smol_option smol_guest_options[], smol_place_options[];

#endif
