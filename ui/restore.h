/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal as it was, whatever happens. */
#ifndef SMOL_UI_RESTORE_H
#define SMOL_UI_RESTORE_H

/* Remember it. Before curses touches it. */
void smol_restore_prepare(void);
/* The same where nothing but its modes will be touched. */
void smol_restore_keep_settings(void);
/* From here on a crash brings it back. */
void smol_restore_on_crash(void);
/* Bring it back: modes, screen, cursor. May be called by a signal handler. */
void smol_restore(void);

#endif
