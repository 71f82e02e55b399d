/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every key, once: dispatch, hints and help are made from these tables. An action is what a key
 * can do; a key is where on the keyboard it is found.
 */
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

/*
 * X(action, name, hint, help): smol_action_<action>() in ui/actions.c does it; the name is for
 * people; the hint is a word for the bottom line, or "".
 */
#define SMOL_UI_ACTIONS(X)                                                                         \
	X(complete, "complete", "complete", "complete the word: commands, options, VMs, files")    \
	X(pane, "pane", "", "go to pane 1 (2 … 9; 0: the session)")                                \
	X(list, "list", "VMs", "go to the list of VMs, and back")                                  \
	X(prompt, "prompt", "prompt", "go to the prompt")                                          \
	X(next, "next", "", "go to the next pane")                                                 \
	X(previous, "previous", "", "go to the previous pane")                                     \
	X(zoom, "zoom", "zoom", "one pane on the whole screen, and back")                          \
	X(close, "close", "close", "close the pane")                                               \
	X(again, "again", "", "run the pane's command again")                                      \
	X(page_up, "page-up", "", "look back in the pane; in the list, up")                        \
	X(page_down, "page-down", "", "and forth")                                                 \
	X(follow, "follow", "follow", "to the pane's end, and follow it")                          \
	X(top, "top", "", "to the pane's beginning")                                               \
	X(up, "up", "", "up")                                                                      \
	X(down, "down", "", "down")                                                                \
	X(shell, "shell", "shell", "a shell in the VM")                                            \
	X(mark, "mark", "mark", "mark the VM, or not")                                             \
	X(filter, "filter", "filter",                                                              \
	    "show only VMs with this in their name: text, !text, @running")                        \
	X(start, "start", "start", "start the VMs")                                                \
	X(stop, "stop", "stop", "stop the VMs")                                                    \
	X(restart, "restart", "", "restart the VMs")                                               \
	X(exec, "exec", "exec", "begin an exec in the VMs")                                        \
	X(logs, "logs", "logs", "follow the VM's console")                                         \
	X(info, "info", "", "all that is known of the VMs")                                        \
	X(jobs, "jobs", "", "the VMs' jobs")                                                       \
	X(create, "create", "", "begin to create a VM")                                            \
	X(delete, "delete", "", "delete the VMs, after a question")                                \
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

/* X(action, key, where): in the order of help and hints. where is 0 for what readline does. */
#define SMOL_UI_KEYS(X)                                                                            \
	X(complete, "Tab", 0)                                                                      \
	X(pane, "M-1", SMOL_FOCUS_ANY) /* and every other digit */                                 \
	X(list, "M-l", SMOL_FOCUS_ANY)                                                             \
	X(prompt, "M-p", SMOL_FOCUS_ANY)                                                           \
	X(next, "M-j", SMOL_FOCUS_ANY)                                                             \
	X(previous, "M-k", SMOL_FOCUS_ANY)                                                         \
	X(zoom, "M-z", SMOL_FOCUS_ANY)                                                             \
	X(close, "M-x", SMOL_FOCUS_ANY)                                                            \
	X(again, "M-g", SMOL_FOCUS_ANY)                                                            \
	X(page_up, "S-PgUp", SMOL_FOCUS_ANY)                                                       \
	X(page_down, "S-PgDn", SMOL_FOCUS_ANY)                                                     \
	X(page_up, "PgUp", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                    \
	X(page_down, "PgDn", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                  \
	X(follow, "End", SMOL_FOCUS_SCROLL)                                                        \
	X(top, "Home", SMOL_FOCUS_SCROLL)                                                          \
	X(up, "Up", SMOL_FOCUS_SEEN)                                                               \
	X(down, "Down", SMOL_FOCUS_SEEN)                                                           \
	X(up, "k", SMOL_FOCUS_SEEN)                                                                \
	X(down, "j", SMOL_FOCUS_SEEN)                                                              \
	X(shell, "Enter", SMOL_FOCUS_LIST)                                                         \
	X(mark, "Space", SMOL_FOCUS_LIST)                                                          \
	X(filter, "/", SMOL_FOCUS_LIST)                                                            \
	X(start, "s", SMOL_FOCUS_LIST)                                                             \
	X(stop, "S", SMOL_FOCUS_LIST)                                                              \
	X(restart, "R", SMOL_FOCUS_LIST)                                                           \
	X(exec, "e", SMOL_FOCUS_LIST)                                                              \
	X(logs, "l", SMOL_FOCUS_LIST)                                                              \
	X(info, "i", SMOL_FOCUS_LIST)                                                              \
	X(jobs, "J", SMOL_FOCUS_LIST)                                                              \
	X(create, "c", SMOL_FOCUS_LIST)                                                            \
	X(delete, "D", SMOL_FOCUS_LIST)                                                            \
	X(prompt, "Esc", SMOL_FOCUS_SEEN)                                                          \
	X(prompt, "q", SMOL_FOCUS_SEEN)                                                            \
	X(help, "F1", SMOL_FOCUS_ANY)                                                              \
	X(help, "?", SMOL_FOCUS_SEEN) /* at an empty prompt, too */                                \
	X(suspend, "C-z", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                     \
	X(redraw, "C-l", SMOL_FOCUS_PROMPT | SMOL_FOCUS_SEEN)                                      \
	X(cancel, "C-c", SMOL_FOCUS_PROMPT)                                                        \
	X(leave, "C-d", SMOL_FOCUS_SEEN) /* at an empty prompt, too */

struct smol_action_entry {
	const char *name, *hint, *help;
};
/* By enum smol_action; the first has no name. */
extern const struct smol_action_entry smol_actions[SMOL_ACTION__count];

struct smol_key_entry {
	enum smol_action action;
	const char *key; /* as smol_input_name() gives it; NULL ends the table */
	unsigned where;	 /* enum smol_focus; 0: only for help */
};
extern const struct smol_key_entry smol_keys[];

/* What a key does where the focus is; none. */
enum smol_action smol_key_action(const char *name, enum smol_focus focus);
/* The key as it is shown: "Alt-l". */
void smol_key_shown(const char *name, char text[24]);

#endif
