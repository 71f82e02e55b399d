/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every key, once: dispatch, hints and help are made from this table. */
#ifndef SMOL_UI_KEYS_H
#define SMOL_UI_KEYS_H

/* Where the keyboard goes. */
enum smol_focus {
	SMOL_FOCUS_PROMPT = 1 << 0,
	SMOL_FOCUS_LIST = 1 << 1,
	SMOL_FOCUS_PANE = 1 << 2,   /* a command that runs takes all keys but ours */
	SMOL_FOCUS_SCROLL = 1 << 3, /* a pane that shows what was, or whose command has ended */
};
#define SMOL_FOCUS_ANY	(SMOL_FOCUS_PROMPT | SMOL_FOCUS_LIST | SMOL_FOCUS_PANE | SMOL_FOCUS_SCROLL)
#define SMOL_FOCUS_SEEN (SMOL_FOCUS_LIST | SMOL_FOCUS_SCROLL) /* no text is typed there */

/* action, key, where, a word for the bottom line or "", help */
#define SMOL_UI_KEYS(X)                                                                            \
	X(COMPLETE, "Tab", 0, "complete", "complete the word: commands, options, VMs, files")      \
	X(PANE, "M-1", SMOL_FOCUS_ANY, "", "go to pane 1 (M-2 … M-9; M-0: the session)")           \
	X(LIST, "M-l", SMOL_FOCUS_ANY, "VMs", "go to the list of VMs")                             \
	X(PROMPT, "M-p", SMOL_FOCUS_ANY, "prompt", "go to the prompt")                             \
	X(NEXT, "M-j", SMOL_FOCUS_ANY, "", "go to the next pane")                                  \
	X(PREVIOUS, "M-k", SMOL_FOCUS_ANY, "", "go to the previous pane")                          \
	X(ZOOM, "M-z", SMOL_FOCUS_ANY, "zoom", "one pane on the whole screen, and back")           \
	X(CLOSE, "M-x", SMOL_FOCUS_ANY, "close", "close the pane")                                 \
	X(AGAIN, "M-g", SMOL_FOCUS_ANY, "", "run the pane's command again")                        \
	X(PAGE_UP, "S-PgUp", SMOL_FOCUS_ANY, "", "look back in the pane")                          \
	X(PAGE_DOWN, "S-PgDn", SMOL_FOCUS_ANY, "", "and forth")                                    \
	X(BACK, "PgUp", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN, "", "look back in the pane")          \
	X(FORTH, "PgDn", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN, "", "and forth")                     \
	X(FOLLOW, "End", SMOL_FOCUS_SCROLL, "follow", "to the pane's end, and follow it")          \
	X(TOP, "Home", SMOL_FOCUS_SCROLL, "", "to the pane's beginning")                           \
	X(UP, "Up", SMOL_FOCUS_SEEN, "", "up")                                                     \
	X(DOWN, "Down", SMOL_FOCUS_SEEN, "", "down")                                               \
	X(UP, "k", SMOL_FOCUS_SEEN, "", "up")                                                      \
	X(DOWN, "j", SMOL_FOCUS_SEEN, "", "down")                                                  \
	X(SHELL, "Enter", SMOL_FOCUS_LIST, "shell", "a shell in the VM")                           \
	X(MARK, "Space", SMOL_FOCUS_LIST, "mark", "mark the VM, or not")                           \
	X(FILTER, "/", SMOL_FOCUS_LIST, "filter",                                                  \
	    "show only VMs with this in their name: text, !text, @running")                        \
	X(START, "s", SMOL_FOCUS_LIST, "start", "start the VMs")                                   \
	X(STOP, "S", SMOL_FOCUS_LIST, "stop", "stop the VMs")                                      \
	X(RESTART, "R", SMOL_FOCUS_LIST, "", "restart the VMs")                                    \
	X(EXEC, "e", SMOL_FOCUS_LIST, "exec", "begin an exec in the VMs")                          \
	X(LOGS, "l", SMOL_FOCUS_LIST, "logs", "follow the VM's console")                           \
	X(INFO, "i", SMOL_FOCUS_LIST, "", "all that is known of the VMs")                          \
	X(JOBS, "J", SMOL_FOCUS_LIST, "", "the VMs' jobs")                                         \
	X(CREATE, "c", SMOL_FOCUS_LIST, "", "begin to create a VM")                                \
	X(DELETE, "D", SMOL_FOCUS_LIST, "", "delete the VMs, after a question")                    \
	X(PROMPT, "Esc", SMOL_FOCUS_SEEN, "", "back to the prompt")                                \
	X(PROMPT, "q", SMOL_FOCUS_SEEN, "", "back to the prompt")                                  \
	X(HELP, "F1", SMOL_FOCUS_ANY, "help", "this page")                                         \
	X(HELP, "?", SMOL_FOCUS_SEEN, "", "this page (at an empty prompt, too)")                   \
	X(SUSPEND, "C-z", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN, "", "suspend smolsh")               \
	X(REDRAW, "C-l", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN, "", "draw everything anew")          \
	X(CANCEL, "C-c", SMOL_FOCUS_PROMPT, "", "forget what is typed")                            \
	X(LEAVE, "C-d", SMOL_FOCUS_SEEN, "", "leave smolsh (at an empty prompt, too)")

enum smol_action {
	SMOL_ACTION_NONE,
	SMOL_ACTION_COMPLETE,
	SMOL_ACTION_PANE,
	SMOL_ACTION_LIST,
	SMOL_ACTION_PROMPT,
	SMOL_ACTION_NEXT,
	SMOL_ACTION_PREVIOUS,
	SMOL_ACTION_ZOOM,
	SMOL_ACTION_CLOSE,
	SMOL_ACTION_AGAIN,
	SMOL_ACTION_PAGE_UP,
	SMOL_ACTION_PAGE_DOWN,
	SMOL_ACTION_BACK,
	SMOL_ACTION_FORTH,
	SMOL_ACTION_FOLLOW,
	SMOL_ACTION_TOP,
	SMOL_ACTION_UP,
	SMOL_ACTION_DOWN,
	SMOL_ACTION_SHELL,
	SMOL_ACTION_MARK,
	SMOL_ACTION_FILTER,
	SMOL_ACTION_START,
	SMOL_ACTION_STOP,
	SMOL_ACTION_RESTART,
	SMOL_ACTION_EXEC,
	SMOL_ACTION_LOGS,
	SMOL_ACTION_INFO,
	SMOL_ACTION_JOBS,
	SMOL_ACTION_CREATE,
	SMOL_ACTION_DELETE,
	SMOL_ACTION_HELP,
	SMOL_ACTION_SUSPEND,
	SMOL_ACTION_REDRAW,
	SMOL_ACTION_CANCEL,
	SMOL_ACTION_LEAVE,
};

struct smol_key_entry {
	enum smol_action action;
	const char *key; /* as smol_input_name() gives it; NULL ends the table */
	unsigned where;	 /* enum smol_focus; 0: only for help */
	const char *hint, *help;
};
extern const struct smol_key_entry smol_keys[];

/* What a key does where the focus is; NONE. */
enum smol_action smol_key_action(const char *name, enum smol_focus focus);
/* The key as it is shown: "Alt-l". */
void smol_key_shown(const char *name, char text[24]);

#endif
