/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A clock that can be put forward: programs linked with clock.c and --wrap=clock_gettime see the
 * system's time and what was added to it. So thirty seconds pass in no time.
 */
#ifndef SMOL_TESTS_VSOCKD_CLOCK_H
#define SMOL_TESTS_VSOCKD_CLOCK_H

void clock_forward(unsigned ms);

#endif
