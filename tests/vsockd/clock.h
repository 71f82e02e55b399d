/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A clock that the test moves: programs linked with clock.c and --wrap=clock_gettime see it instead
 * of the system's. It goes on by 0.1 ms with each look, so that a wait for what never comes ends,
 * and by what is added to it. So thirty seconds pass in no time, and none pass because the machine
 * is busy.
 */
#ifndef SMOL_TESTS_VSOCKD_CLOCK_H
#define SMOL_TESTS_VSOCKD_CLOCK_H

void clock_forward(unsigned ms);

#endif
