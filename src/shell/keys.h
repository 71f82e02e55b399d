/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The screen's keys: dispatch, hints, help and the manual are made from these tables. An action is
 * what a key can do; a key is where on the keyboard it is found at first. What it does now is a
 * third table, which `bind` and `unbind` change; it belongs to the process.
 */
#ifndef SMOL_SHELL_KEYS_H
#define SMOL_SHELL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Keys that are no characters. */
#define SMOL_KEYS(X)                                                                               \
	X(UP, "Up")                                                                                \
	X(DOWN, "Down")                                                                            \
	X(LEFT, "Left")                                                                            \
	X(RIGHT, "Right")                                                                          \
	X(HOME, "Home")                                                                            \
	X(END, "End")                                                                              \
	X(INSERT, "Insert")                                                                        \
	X(DELETE, "Delete")                                                                        \
	X(PAGE_UP, "PgUp")                                                                         \
	X(PAGE_DOWN, "PgDn")                                                                       \
	X(ENTER, "Enter")                                                                          \
	X(TAB, "Tab")                                                                              \
	X(BACK, "Backspace")                                                                       \
	X(ESCAPE, "Esc")                                                                           \
	X(F1, "F1")                                                                                \
	X(F2, "F2")                                                                                \
	X(F3, "F3")                                                                                \
	X(F4, "F4")                                                                                \
	X(F5, "F5")                                                                                \
	X(F6, "F6")                                                                                \
	X(F7, "F7")                                                                                \
	X(F8, "F8")                                                                                \
	X(F9, "F9")                                                                                \
	X(F10, "F10")                                                                              \
	X(F11, "F11")                                                                              \
	X(F12, "F12")

/* Where the keyboard goes. */
enum smol_focus {
	SMOL_FOCUS_PROMPT = 1 << 0,
	SMOL_FOCUS_LIST = 1 << 1,
	SMOL_FOCUS_PANE = 1 << 2,   /* a command that runs takes all keys but ours */
	SMOL_FOCUS_SCROLL = 1 << 3, /* a pane that shows what was, or whose command has ended */
	/* Pages: ui/page/page.h. */
	SMOL_FOCUS_HELP = 1 << 4,
	SMOL_FOCUS_DETAILS = 1 << 5,
	SMOL_FOCUS_FORM = 1 << 6, /* text is typed there */
	SMOL_FOCUS_LOG = 1 << 7,
	SMOL_FOCUS_COPY = 1 << 8, /* a pane in copy mode: ui/pane/caret.h */
};
#define SMOL_FOCUS_PAGE (SMOL_FOCUS_HELP | SMOL_FOCUS_DETAILS | SMOL_FOCUS_FORM | SMOL_FOCUS_LOG)
#define SMOL_FOCUS_ANY                                                                             \
	(SMOL_FOCUS_PROMPT | SMOL_FOCUS_LIST | SMOL_FOCUS_PANE | SMOL_FOCUS_LOOK | SMOL_FOCUS_PAGE)
/* A pane that is looked at. */
#define SMOL_FOCUS_LOOK (SMOL_FOCUS_SCROLL | SMOL_FOCUS_COPY)
/* No text is typed there. */
#define SMOL_FOCUS_SEEN (SMOL_FOCUS_LIST | SMOL_FOCUS_LOOK | (SMOL_FOCUS_PAGE & ~SMOL_FOCUS_FORM))

/*
 * X(action, name, hint, help): smol_action_<action>() of ui/input/actions.h does it; the name is
 * for people; the hint is a word for the bottom line, or "".
 */
#define SMOL_UI_ACTIONS(X)                                                                         \
	X(complete, "complete", "complete", "complete the word: commands, options, VMs, files")    \
	X(pane, "pane", "", "go to the pane of that number; 0 is the session")                     \
	X(list, "list", "VMs", "go to the list of VMs, and back")                                  \
	X(prompt, "prompt", "prompt", "go to the prompt")                                          \
	X(next, "next", "", "go to the next pane")                                                 \
	X(previous, "previous", "", "go to the previous pane")                                     \
	X(zoom, "zoom", "zoom", "one pane on the whole screen, and back")                          \
	X(split, "split", "", "a shell beside the pane, in the same VM")                           \
	X(arrange, "arrange", "", "how panes stand: a grid, side by side, in rows, one large")     \
	X(swap_next, "swap-next", "", "the pane changes places with the next one")                 \
	X(swap_previous, "swap-previous", "", "or with the one before")                            \
	X(grow, "grow", "", "a larger pane; in the list, a wider list")                            \
	X(shrink, "shrink", "", "a smaller one")                                                   \
	X(close, "close", "close", "close the pane")                                               \
	X(again, "again", "", "run the pane's command again")                                      \
	X(next_part, "next-part", "next", "go to the next part of the page")                       \
	X(previous_part, "previous-part", "", "or to the one before")                              \
	X(accept, "accept", "", "in the form, go on; in the log, run the line again")              \
	X(log, "log", "", "a page with every command that ran")                                    \
	X(edit_line, "edit-line", "edit", "take the line of the log to the prompt")                \
	X(export, "export", "save", "save the log as a script")                                    \
	X(submit, "submit", "create", "create the VM that the form describes")                     \
	X(attach, "attach", "", "show the jobs that nobody looks at, a pane for each")             \
	X(back, "back", "back", "close the page; leave the copy mode")                             \
	X(page_up, "page-up", "", "look back in the pane; elsewhere, a page up")                   \
	X(page_down, "page-down", "", "and forth")                                                 \
	X(follow, "follow", "follow", "to the pane's end, and follow it")                          \
	X(top, "top", "", "to the beginning")                                                      \
	X(search, "search", "search", "look for text in the pane, as it is typed")                 \
	X(search_back, "search-back", "", "the same, upwards")                                     \
	X(match_next, "match-next", "", "to the next match")                                       \
	X(match_previous, "match-previous", "", "or back to the one before")                       \
	X(select, "select", "select", "begin a selection in the copy mode, or end it")             \
	X(select_lines, "select-lines", "", "the same, of whole lines")                            \
	X(other_end, "other-end", "", "to the selection's other end")                              \
	X(yank, "yank", "copy", "what is selected to the clipboard")                               \
	X(copy, "copy", "copy mode", "a cursor in the pane, to select and copy with")              \
	X(paste, "paste", "", "what was copied, to the pane's command or the prompt")              \
	X(save, "save", "save", "what is selected into a file; else all that the pane has")        \
	X(pipe, "pipe", "", "append what comes in the pane to a file; again: no more")             \
	X(wrap, "wrap", "", "long lines go on beyond the edge, or in the next row")                \
	X(left, "left", "", "left")                                                                \
	X(right, "right", "", "right")                                                             \
	X(word_back, "word-back", "", "to where a word begins")                                    \
	X(word, "word", "", "to the next word")                                                    \
	X(line_begin, "line-begin", "", "to the line's beginning")                                 \
	X(line_end, "line-end", "", "to the line's end")                                           \
	X(bottom, "bottom", "", "to the last line")                                                \
	X(half_up, "half-up", "", "half a page up")                                                \
	X(half_down, "half-down", "", "and down")                                                  \
	X(pan_left, "pan-left", "", "to the left of what long lines hide")                         \
	X(pan_right, "pan-right", "", "and to the right")                                          \
	X(up, "up", "", "up")                                                                      \
	X(down, "down", "", "down")                                                                \
	X(shell, "shell", "shell", "a shell in the VM")                                            \
	X(mark, "mark", "mark", "mark the VM, or not")                                             \
	X(filter, "filter", "filter",                                                              \
	    "show only VMs with this in their name: text, !text, @running")                        \
	X(sort, "sort", "", "sort the list by the next: name, state, CPU, memory, uptime")         \
	X(start, "start", "start", "start the VMs")                                                \
	X(stop, "stop", "stop", "stop the VMs")                                                    \
	X(restart, "restart", "", "restart the VMs")                                               \
	X(pause, "pause", "", "pause the VMs; those that are paused go on")                        \
	X(exec, "exec", "exec", "begin an exec in the VMs")                                        \
	X(logs, "logs", "logs", "follow the VM's console")                                         \
	X(info, "info", "details", "a page with all of the VM")                                    \
	X(jobs, "jobs", "", "the VMs' jobs")                                                       \
	X(create, "create", "create", "a form that creates a VM")                                  \
	X(delete, "delete", "", "delete the VMs, after a question")                                \
	X(mouse, "mouse", "", "the mouse is the terminal's, and back")                             \
	X(help, "help", "help", "this page")                                                       \
	X(suspend, "suspend", "", "suspend smolsh")                                                \
	X(redraw, "redraw", "", "draw everything anew")                                            \
	X(cancel, "cancel", "", "forget what is typed")                                            \
	X(leave, "leave", "", "leave smolsh")

enum smol_action {
	SMOL_ACTION_none,
#define X(action, name, hint, help) SMOL_ACTION_##action,
	SMOL_UI_ACTIONS(X)
#undef X
	    SMOL_ACTION__count
};

/* X(action, key, where): in the order of help and hints. */
#define SMOL_UI_KEYS(X)                                                                            \
	X(complete, "Tab", SMOL_FOCUS_PROMPT)                                                      \
	X(pane, "M-1", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-2", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-3", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-4", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-5", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-6", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-7", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-8", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-9", SMOL_FOCUS_ANY)                                                             \
	X(pane, "M-0", SMOL_FOCUS_ANY)                                                             \
	X(list, "M-l", SMOL_FOCUS_ANY)                                                             \
	X(prompt, "M-p", SMOL_FOCUS_ANY)                                                           \
	X(next, "M-j", SMOL_FOCUS_ANY)                                                             \
	X(previous, "M-k", SMOL_FOCUS_ANY)                                                         \
	X(zoom, "M-z", SMOL_FOCUS_ANY)                                                             \
	X(split, "M-s", SMOL_FOCUS_ANY)                                                            \
	X(arrange, "M-S", SMOL_FOCUS_ANY)                                                          \
	X(swap_next, "M-J", SMOL_FOCUS_ANY)                                                        \
	X(swap_previous, "M-K", SMOL_FOCUS_ANY)                                                    \
	X(grow, "M-+", SMOL_FOCUS_ANY)                                                             \
	X(grow, "M-=", SMOL_FOCUS_ANY)                                                             \
	X(shrink, "M--", SMOL_FOCUS_ANY)                                                           \
	X(close, "M-x", SMOL_FOCUS_ANY)                                                            \
	X(again, "M-g", SMOL_FOCUS_ANY)                                                            \
	X(attach, "M-a", SMOL_FOCUS_ANY)                                                           \
	X(page_up, "S-PgUp", SMOL_FOCUS_ANY)                                                       \
	X(page_down, "S-PgDn", SMOL_FOCUS_ANY)                                                     \
	X(page_up, "PgUp", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                    \
	X(page_down, "PgDn", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                  \
	X(accept, "Enter", SMOL_FOCUS_FORM | SMOL_FOCUS_LOG)                                       \
	X(log, "M-h", SMOL_FOCUS_ANY)                                                              \
	X(edit_line, "e", SMOL_FOCUS_LOG)                                                          \
	X(export, "w", SMOL_FOCUS_LOG)                                                             \
	X(submit, "M-Enter", SMOL_FOCUS_FORM)                                                      \
	X(next_part, "Tab", SMOL_FOCUS_DETAILS | SMOL_FOCUS_FORM)                                  \
	X(next_part, "Right", SMOL_FOCUS_DETAILS)                                                  \
	X(previous_part, "S-Tab", SMOL_FOCUS_DETAILS | SMOL_FOCUS_FORM)                            \
	X(previous_part, "Left", SMOL_FOCUS_DETAILS)                                               \
	X(back, "Esc", SMOL_FOCUS_PAGE)                                                            \
	X(back, "q", (SMOL_FOCUS_PAGE & SMOL_FOCUS_SEEN))                                          \
	X(follow, "End", (SMOL_FOCUS_SEEN & ~(SMOL_FOCUS_LIST | SMOL_FOCUS_COPY)))                 \
	X(top, "Home", (SMOL_FOCUS_SEEN & ~(SMOL_FOCUS_LIST | SMOL_FOCUS_COPY)))                   \
	X(search, "/", SMOL_FOCUS_LOOK)                                                            \
	X(search, "M-/", SMOL_FOCUS_ANY)                                                           \
	X(search_back, "?", SMOL_FOCUS_LOOK)                                                       \
	X(match_next, "n", SMOL_FOCUS_LOOK)                                                        \
	X(match_previous, "N", SMOL_FOCUS_LOOK)                                                    \
	X(copy, "v", SMOL_FOCUS_SCROLL)                                                            \
	X(copy, "Space", SMOL_FOCUS_SCROLL)                                                        \
	X(copy, "M-c", SMOL_FOCUS_ANY)                                                             \
	X(select, "v", SMOL_FOCUS_COPY)                                                            \
	X(select, "Space", SMOL_FOCUS_COPY)                                                        \
	X(select_lines, "V", SMOL_FOCUS_COPY)                                                      \
	X(other_end, "o", SMOL_FOCUS_COPY)                                                         \
	X(yank, "y", SMOL_FOCUS_COPY)                                                              \
	X(yank, "Enter", SMOL_FOCUS_COPY)                                                          \
	X(paste, "M-v", SMOL_FOCUS_ANY)                                                            \
	X(save, "s", SMOL_FOCUS_LOOK)                                                              \
	X(pipe, "M-o", SMOL_FOCUS_ANY)                                                             \
	X(wrap, "M-w", SMOL_FOCUS_ANY)                                                             \
	X(back, "Esc", SMOL_FOCUS_COPY)                                                            \
	X(back, "q", SMOL_FOCUS_COPY)                                                              \
	X(left, "Left", SMOL_FOCUS_COPY)                                                           \
	X(right, "Right", SMOL_FOCUS_COPY)                                                         \
	X(left, "h", SMOL_FOCUS_COPY)                                                              \
	X(right, "l", SMOL_FOCUS_COPY)                                                             \
	X(word_back, "b", SMOL_FOCUS_COPY)                                                         \
	X(word, "w", SMOL_FOCUS_COPY)                                                              \
	X(line_begin, "0", SMOL_FOCUS_COPY)                                                        \
	X(line_begin, "Home", SMOL_FOCUS_COPY)                                                     \
	X(line_end, "$", SMOL_FOCUS_COPY)                                                          \
	X(line_end, "End", SMOL_FOCUS_COPY)                                                        \
	X(top, "g", SMOL_FOCUS_LOOK)                                                               \
	X(bottom, "G", SMOL_FOCUS_COPY)                                                            \
	X(follow, "G", SMOL_FOCUS_SCROLL)                                                          \
	X(half_up, "C-u", SMOL_FOCUS_COPY)                                                         \
	X(half_down, "C-d", SMOL_FOCUS_COPY)                                                       \
	X(pan_left, "Left", SMOL_FOCUS_SCROLL)                                                     \
	X(pan_right, "Right", SMOL_FOCUS_SCROLL)                                                   \
	X(pan_left, "h", SMOL_FOCUS_SCROLL)                                                        \
	X(pan_right, "l", SMOL_FOCUS_SCROLL)                                                       \
	X(pan_left, "M-Left", SMOL_FOCUS_ANY)                                                      \
	X(pan_right, "M-Right", SMOL_FOCUS_ANY)                                                    \
	X(up, "Up", SMOL_FOCUS_SEEN | SMOL_FOCUS_FORM)                                             \
	X(down, "Down", SMOL_FOCUS_SEEN | SMOL_FOCUS_FORM)                                         \
	X(up, "k", SMOL_FOCUS_SEEN)                                                                \
	X(down, "j", SMOL_FOCUS_SEEN)                                                              \
	X(shell, "Enter", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                    \
	X(mark, "Space", SMOL_FOCUS_LIST)                                                          \
	X(top, "Home", SMOL_FOCUS_LIST)                                                            \
	X(bottom, "End", SMOL_FOCUS_LIST)                                                          \
	X(filter, "/", SMOL_FOCUS_LIST)                                                            \
	X(sort, "o", SMOL_FOCUS_LIST)                                                              \
	X(start, "s", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                        \
	X(stop, "S", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                         \
	X(restart, "R", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                      \
	X(pause, "P", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                        \
	X(exec, "e", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                         \
	X(logs, "l", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                         \
	X(info, "i", SMOL_FOCUS_LIST)                                                              \
	X(jobs, "J", SMOL_FOCUS_LIST)                                                              \
	X(create, "c", SMOL_FOCUS_LIST)                                                            \
	X(delete, "D", SMOL_FOCUS_LIST | SMOL_FOCUS_DETAILS)                                       \
	X(prompt, "Esc", SMOL_FOCUS_LIST | SMOL_FOCUS_SCROLL)                                      \
	X(prompt, "q", SMOL_FOCUS_LIST | SMOL_FOCUS_SCROLL)                                        \
	X(mouse, "M-m", SMOL_FOCUS_ANY)                                                            \
	X(help, "F1", SMOL_FOCUS_ANY)                                                              \
	X(help, "?", (SMOL_FOCUS_SEEN & ~SMOL_FOCUS_LOOK)) /* at an empty prompt, too */           \
	X(suspend, "C-z", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                     \
	X(redraw, "C-l", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                      \
	X(cancel, "C-c", SMOL_FOCUS_PROMPT)                                                        \
	X(leave, "C-d", (SMOL_FOCUS_SEEN & ~SMOL_FOCUS_COPY)) /* at an empty prompt, too */

struct smol_action_entry {
	const char *name, *hint, *help;
};
/* By enum smol_action; the first has no name. */
extern const struct smol_action_entry smol_actions[SMOL_ACTION__count];
/* SMOL_ACTION_none: there is none of that name. */
enum smol_action smol_action_find(const char *name);
/* Where its keys are at first. */
unsigned smol_action_where(enum smol_action action);

#define SMOL_KEY_MAX	  32  /* bytes of a key's name with the NUL */
#define SMOL_BINDINGS_MAX 512 /* at a time */

/* What a key does now. */
struct smol_binding {
	char key[SMOL_KEY_MAX];	 /* as smol_input_name() gives it */
	unsigned where;		 /* enum smol_focus */
	enum smol_action action; /* none: it runs a line */
	char *line;		 /* NULL where there is an action; owned by the table */
};

/* All of them, what was bound last first. Valid until the table changes. */
const struct smol_binding *smol_keys_bound(int *n);
/* What the key does where the focus is; NULL: nothing. Valid until the table changes. */
const struct smol_binding *smol_key_find(const char *key, enum smol_focus focus);
/* The binding of that action where the focus is: what was bound last. NULL: no key does it. */
const struct smol_binding *smol_key_of(enum smol_action action, enum smol_focus focus);
/* Help or the prompt, where no key leads to it any more from where one may be: a sentence with
 * what mends it, malloc'd. NULL: all is well. */
char *smol_keys_lost(void);
/*
 * From now on the key does that, in all of where; line (copied) is NULL, or action is none. -1 with
 * SMOL_E_LIMIT, SMOL_E_INVALID: text is typed with the key there, or the action cannot be meant.
 */
int smol_key_bind(const char *key, unsigned where, enum smol_action action, const char *line,
    struct smol_err *err);
/* Nothing any more, in all of where. False: it did nothing. */
bool smol_key_unbind(const char *key, unsigned where);
/* What it did at first; NULL: all keys. */
void smol_keys_reset(const char *key);

/* "Alt-x", "C-x", "pageup" to the name that the table has. -1 with SMOL_E_INVALID. */
int smol_key_parse(const char *text, char key[SMOL_KEY_MAX], struct smol_err *err);
/* Where such a key can be bound without taking something from who types or from a pane's command.
 */
unsigned smol_key_where(const char *key);
/* Is text typed with it: a character without Alt or Ctrl? */
bool smol_key_is_text(const char *key);
/* The key as it is shown: "Alt-l". */
void smol_key_shown(const char *key, char text[SMOL_KEY_MAX]);
/* The action's keys as they are shown, the first and what fits into so many bytes with the NUL
 * (SMOL_KEY_MAX at least): "Alt-l, L"; "" where it has none. */
void smol_action_keys(enum smol_action action, char *text, size_t size);
/* "all", then the names below; NULL-terminated. */
extern const char *const smol_place_names[];
/* The bits of enum smol_focus from the first on, NULL-terminated. */
extern const char *const *const smol_focus_names;
/* "all", "list", "list, scroll", "all but pane". */
#define SMOL_FOCUS_TEXT_MAX 64
void smol_focus_text(unsigned where, char text[SMOL_FOCUS_TEXT_MAX]);

#endif
