/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For cppcheck, which does not look into the system's headers. */
#define cJSON_ArrayForEach(e, a) for (e = (a)->child; e; e = e->next)
