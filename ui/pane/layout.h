/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where things stand on a screen of some size: the list of VMs, the panes, the borders between
 * them. What the user has chosen (arrangement, order, sizes) is kept as shares, so that it
 * outlives any window. Numbers only: no panes and no curses.
 *
 * One line is above everything and three are below: the rule, the prompt, the hints. Panes stand in
 * bands: rows of panes side by side, or (MAIN) columns of panes one above another. A pane's first
 * row is its title, which is the border to the one above.
 */
#ifndef SMOL_UI_LAYOUT_H
#define SMOL_UI_LAYOUT_H

#include <stdbool.h>

#define SMOL_PANES	   10 /* 0 is the session, which is always there */
#define SMOL_ROWS_MIN	   8
#define SMOL_COLS_MIN	   30
#define SMOL_COLS_WIDE	   100 /* from here on the list has its own column */
#define SMOL_LIST_COLS_MIN 20
#define SMOL_PANE_COLS	   80 /* in a grid two panes side by side must have that */
#define SMOL_PANE_ROWS	   5  /* what a pane must have to be shown beside others */
#define SMOL_PANE_ROWS_MIN 3  /* what may be left of it by a border that moves */
#define SMOL_PANE_COLS_MIN 20

struct smol_rect {
	int row, col, rows, cols;
};

/* X(arrangement, what is said of it) */
#define SMOL_ARRANGEMENTS(X)                                                                       \
	X(GRID, "a grid")                                                                          \
	X(COLUMNS, "side by side")                                                                 \
	X(ROWS, "one above another")                                                               \
	X(MAIN, "one large, the others beside it")
enum smol_arrangement {
#define X(e, text) SMOL_ARRANGE_##e,
	SMOL_ARRANGEMENTS(X)
#undef X
	    SMOL_ARRANGE__COUNT
};
extern const char *const smol_arrangements[SMOL_ARRANGE__COUNT];

enum smol_way { SMOL_DOWN, SMOL_ACROSS, SMOL_WAYS };

/* What the user has chosen. */
struct smol_layout {
	enum smol_arrangement arrangement;
	int order[SMOL_PANES]; /* every number once; those that are not there have a place, too */
	int share[SMOL_WAYS][SMOL_PANES]; /* by number; SMOL_SHARE is the usual */
	int list;			  /* of the columns, in SMOL_SHARE; 0: as is asked */
};
#define SMOL_SHARE 65536

/* What is to be placed. */
struct smol_layout_ask {
	int rows, cols; /* of the terminal: at least SMOL_ROWS_MIN and SMOL_COLS_MIN */
	int list_cols;	/* that the list has unless the user has moved its border */
	bool there[SMOL_PANES];
	int current; /* of those that are there: it is always shown */
	bool zoom;   /* it alone; with the list wanted, that alone */
	bool list;   /* the list is wanted, whatever the window's width */
};

/* What can be moved. */
struct smol_border {
	struct smol_rect at; /* ACROSS: a column, the bar; DOWN: a row, the lower one's title */
	enum smol_way way;
	int second; /* a pane below it or to its right; -1: it is between list and panes */
};

/* Where it all stands. */
struct smol_places {
	struct smol_rect list;		    /* rows is 0: not shown */
	struct smol_rect panes[SMOL_PANES]; /* with the title; rows is 0: not shown */
	struct smol_border borders[SMOL_PANES + 1];
	int nborders;
	bool strip;    /* VMs and panes as words in the second line */
	int body_rows; /* between the line (or two) above and the rule */
};

void smol_layout_init(struct smol_layout *l);
void smol_layout_place(
    const struct smol_layout *l, const struct smol_layout_ask *ask, struct smol_places *at);

/* The pane behind another one; it begins with the usual size. */
void smol_layout_put_behind(struct smol_layout *l, int pane, int other);
/* The pane changes places with the next one (by is 1) or the one before (-1) of those that are
 * there. Numbers stay with their panes, sizes with places. False: there is none. */
bool smol_layout_swap(struct smol_layout *l, const bool there[SMOL_PANES], int pane, int by);
/* Another arrangement, all sizes as usual. MAIN: that pane is the large one. */
void smol_layout_arrange(struct smol_layout *l, enum smol_arrangement arrangement, int pane);
/* The pane is there no more: whoever comes there has the usual size. */
void smol_layout_forget(struct smol_layout *l, int pane);
/* Move a border by so many rows or columns down or to the right, as far as the smallest sizes
 * allow. */
void smol_layout_drag(struct smol_layout *l, const struct smol_layout_ask *ask,
    const struct smol_border *border, int by);
/* The list has so many columns more. */
void smol_layout_grow_list(struct smol_layout *l, const struct smol_layout_ask *ask, int cols);
/* The pane grows by so many rows and columns at the cost of a neighbour; negative: it shrinks. */
void smol_layout_grow(
    struct smol_layout *l, const struct smol_layout_ask *ask, int pane, int rows, int cols);

#endif
