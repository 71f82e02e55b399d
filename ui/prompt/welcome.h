/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person who has no VM yet is shown: lines to type, and what they give. */
#ifndef SMOL_UI_WELCOME_H
#define SMOL_UI_WELCOME_H

/* The line that makes the first one. */
#define SMOL_WELCOME_LINE "run -- uname -a"

static const char *const smol_welcome[][2] = {
    {SMOL_WELCOME_LINE, "a fresh VM for one command"},
    {"create web", "a VM that stays"},
    {"help", "everything else"},
};

#endif
