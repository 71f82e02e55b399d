/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where things are. All results are malloc'd (caller frees).
 *
 *              SMOLSH_HOME set         otherwise
 *   state      $SMOLSH_HOME/state      $XDG_STATE_HOME/smolsh, ~/.local/state/smolsh
 *   runtime    $SMOLSH_HOME/run        $XDG_RUNTIME_DIR/smolsh, /tmp/smolsh-UID (0700, checked)
 *   images     $SMOLSH_HOME/images     $XDG_DATA_HOME/smolsh/images, ~/.local/share/smolsh/images
 *   config     $SMOLSH_HOME/config     $XDG_CONFIG_HOME/smolsh, ~/.config/smolsh
 *   rc         $SMOLSH_HOME/rc         $XDG_CONFIG_HOME/smolsh/rc, ~/.config/smolsh/rc
 *   cache      $SMOLSH_HOME/cache      $XDG_CACHE_HOME/smolsh, ~/.cache/smolsh
 *
 * In a build tree (the program lies beside its helpers) images are in the build tree's images/.
 */
#ifndef SMOL_BASE_PATH_H
#define SMOL_BASE_PATH_H

#include <stdbool.h>

#include "base/err.h"

/* Made where it is missing, mode 0700; a runtime directory under /tmp is refused unless it is the
 * user's own and closed to others. */
char *smol_path_state(struct smol_err *err);
char *smol_path_runtime(struct smol_err *err);
char *smol_path_state_unmade(void); /* the same directory as smol_path_state(), not made */
char *smol_path_config(void);	    /* not made */
char *smol_path_rc(void);	    /* a file; not made */
char *smol_path_cache(void);	    /* not made; what is in it may vanish at any time */

/* Directories that are searched for images, most specific first; a NULL-terminated array, free
 * with smol_path_list_free(). `image build` writes to the first. SMOLSH_IMAGES comes before all. */
char **smol_path_images(void);
void smol_path_list_free(char **list);
/* Is what SMOLSH_IMAGES names a directory? SMOL_E_INVALID: a relative path, which is not searched;
 * SMOL_E_NOT_FOUND: there is none. */
int smol_path_images_check(struct smol_err *err);

/* Full path of a helper program ("smolsh-monitor"): beside this program, then ../libexec/smolsh,
 * then the configured libexecdir. NULL and SMOL_E_DEPENDENCY where it is nowhere. */
char *smol_path_helper(const char *name, struct smol_err *err);
/* First executable of that name in PATH, or NULL. */
char *smol_path_which(const char *name);
/* Is this program run from its build tree? */
bool smol_path_uninstalled(void);
/* Does the runtime directory go away at logout (XDG_RUNTIME_DIR without lingering)? */
bool smol_path_runtime_is_session(void);

#endif
