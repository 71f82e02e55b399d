/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words and colours on the screen: what all that draws shares. */
#ifndef SMOL_UI_PAINT_H
#define SMOL_UI_PAINT_H

#include <curses.h>
#include <stdbool.h>
#include <stddef.h>

#include "ui/draw/theme.h"

/* Once curses runs. colored: where the terminal has colours. */
void smol_paint_open(bool colored);
bool smol_paint_colored(void);
/* The number by which curses knows a colour: of three values up to 255, or of one of 256 by its
 * index. As near as the terminal comes; the same where terminfo says that it takes values. */
int smol_color_rgb(int red, int green, int blue);
int smol_color_index(int index);
/* What is put from here on looks so, in the theme that is set; smol_plain() ends it. What is less
 * than plain is SMOL_DIM, not A_DIM. */
void smol_look(enum smol_role role, attr_t attrs);
void smol_plain(void);
/* Text within a width, in whole characters; a newline is shown as ↵, what else is no character of
 * ours as '?'. Returns the columns taken. */
int smol_put(int row, int col, int width, const char *text);
/* A VM's name: one that is too long keeps both its ends, as names often differ in the last only. */
void smol_put_name(int row, int col, int width, const char *name);
/* A line across the whole screen. */
void smol_put_rule(int row, int cols);
/* With its end in front of the column; returns where it begins. */
int smol_put_right(int row, int end, const char *text);
/* Columns that the first n bytes take. */
int smol_columns(const char *text, size_t n);

#endif
