/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The monitor of one VM. It owns the hypervisor, the vsock device, their sockets and logs; nobody
 * else touches them. This header is what its files share:
 *
 *   machine.c   the VM's life: begin, phases, ready, stop with its escalation, the end
 *   launch.c    what is made before the hypervisor starts: sockets, initramfs, process
 *   device.c    the vsock device, started again when it dies
 *   child.c     what is common to children
 *   drives.c    the disks, locked
 *   shares.c    shared directories, a virtiofsd each
 *   control.c   the commands that ask: JSON lines on monitor.sock and on the starter's socket
 *   guest.c     what the guest's agent says (ready), over vsock
 *   forward.c   forwarded ports, a child each
 *   vsock.c     vsock by the host's kernel: the CID, the ready port
 *   output.c    console, complaints of the children, journal
 *   record.c    what the registry is told
 *   tell.c      what the agent is told: to power off, of a pause
 *   pause.c     the guest stands still, and goes on
 *   snapshot.c  the guest as it is goes into files, and comes back from them
 *   balloon.c   memory is taken from the guest, and given back
 *
 * Invariant: once machine.c has set `ending`, the VM only goes down; it is gone when all children
 * are reaped, and only then the end is recorded, told, and the process exits.
 */
#ifndef SMOL_MONITOR_MONITOR_H
#define SMOL_MONITOR_MONITOR_H

#include <stdbool.h>
#include <uv.h>

#include "backend/backend.h"
#include "base/bound.h"
#include "base/buf.h"
#include "base/clock.h"
#include "image/image.h"
#include "monitor/loop.h"
#include "monitor/rotlog.h"
#include "vm/registry.h"

#define SMOL_CONSOLE_MAX (1024 * 1024) /* bytes of console.log before it is rotated */
#define SMOL_JOURNAL_MAX (256 * 1024)
#define SMOL_CLIENTS_MAX 64		      /* connections to monitor.sock */
#define SMOL_DRIVES_MAX	 (SMOL_DISKS_MAX + 2) /* and both of a root */
#define SMOL_READY_MAX	 8		      /* connections to the ready port */

/* A child process: the hypervisor, the vsock device, or a virtiofsd. */
struct smol_child {
	const char *what; /* "qemu", "smolsh-vsockd", "virtiofsd" */
	pid_t pid;	  /* 0: not running */
	int pidfd;
	int stderr_fd; /* our end of its complaints */
	struct smol_watch exit_watch, stderr_watch;
	struct smol_buf stderr_buf;
	char last_line[256]; /* its last complaint, escaped */
	struct smol_monitor_state *m;
};

#define SMOL_DEVICE_DEATHS 5

/* How the vsock device is doing: device.c. */
struct smol_device_care {
	enum {
		SMOL_DEVICE_SERVES, /* or there is none */
		SMOL_DEVICE_WAITS,
		SMOL_DEVICE_PAUSES,
		SMOL_DEVICE_HOLDS,
		SMOL_DEVICE_HELD,
		SMOL_DEVICE_STARTS,
		SMOL_DEVICE_JOINS,
		SMOL_DEVICE_LETS_GO
	} step;
	uv_timer_t timer, probe_timer;
	smol_deadline deadline;
	pid_t pids[2]; /* of it, and of the one before */
	int table_fd;  /* its memfd; -1: there is no device of ours */
	int ready_fd;  /* what it says of itself; -1 */
	struct smol_watch ready_watch;
	bool ready;
	int64_t deaths[SMOL_DEVICE_DEATHS]; /* since anybody got through, the last ones, ms */
	int ndeaths;
	int row; /* of deaths, each soon after the start */
	int restarts;
	char *how;		     /* its last end; NULL: none */
	int64_t started_ms, died_ms; /* when it was started last; when it died last */
};

struct smol_monitor_state {
	uv_loop_t loop;
	struct smol_registry *registry;
	struct smol_vm *vm;
	char *runtime_dir, *state_dir, *uds_path;
	struct smol_jail jail; /* root NULL: none */
	bool uds_theirs;       /* the hypervisor binds uds_path, and leaves it behind */
	int dirs_made;	       /* of uds_path's directories, the last ones */
	bool hold;	       /* the VM goes when the starter's connection ends */
	const char *restore;   /* the snapshot that the guest comes back from; NULL: it boots */
	uv_timer_t restore_timer;
	int restore_tries;
	char *snapshot; /* the name of the one that is being written, or NULL */
	bool snapshot_resumes, snapshot_written; /* and then it goes on; the hypervisor was told */
	int64_t cut_ms; /* when a snapshot reset every connection of the guest last; 0: never */

	struct smol_image *image;
	struct smol_backend backend;
	struct smol_child hypervisor, device, share_children[SMOL_SHARES_MAX];
	struct smol_device_care care;
	int tap_fd;			/* to be the hypervisor's; -1: none */
	int share_fds[SMOL_SHARES_MAX]; /* to be the hypervisor's */
	struct smol_bound control, uds, ready_sock, vhost;
	struct smol_drive drives[SMOL_DRIVES_MAX];
	int ndrives;
	int vhost_vsock_fd;  /* the kernel's device until the hypervisor has it, -1: none */
	uint32_t ready_port; /* of the host, where the guest reports */
	int console_fd;
	struct smol_watch console_watch, qmp_watch, control_watch, ready_watch;
	struct smol_rotlog console, journal;
	char console_line[512]; /* the line being written, for what is looked for in it */
	size_t console_len;
	int64_t agent_words_ms; /* since when the agent's words are counted */
	int agent_words;
	char panic[256]; /* "Kernel panic - …" as the console showed it, escaped */

	const char *phase; /* "starting", "kernel", "agent", "ready", "paused" */
	bool up;	   /* the hypervisor answers */
	bool ready, claimed, finished;
	bool at_once;	   /* the end waits for nobody */
	bool ask_again;	   /* the agent may not have heard that it is to power off, … */
	bool tell_resumed; /* … or that it goes on: once the device is back */
	bool ending, died; /* died: not as somebody asked */
	bool paused;	   /* as the hypervisor says */
	bool pause_asked;  /* what it was told last */
	bool pausing;	   /* the agent is being told, the hypervisor is next */
	int64_t paused_at, paused_ms; /* since when; how long before that, all in all */
	int64_t keep_mib; /* what the guest is to keep of its memory; 0: nobody has asked */
	int pauses_sent;  /* commands that it has not answered yet */
	int pauses_held;  /* of those, that wait for the device to be back */
	char *cause;
	struct smol_err failure; /* the start failed: what is told to the starter */
	int resets;		 /* of the guest, since it was ready last */
	int64_t begun_ms, reset_ms;
	bool said_line; /* its console, since then */
	uv_timer_t stop_timer;
	/* LINGERING: the hypervisor is gone, the device passes on what its guest had sent */
	enum { SMOL_ASKING, SMOL_QUITTING, SMOL_KILLING, SMOL_LINGERING } stopping;
	struct smol_tell *tell; /* tell.c; or NULL */
	uv_timer_t tell_timer;
	char agent_version[64], guest_kernel[128];
	uv_signal_t on_term;

	enum smol_vm_state to_tell; /* the state that the registry has to hear of */
	uv_timer_t record_timer;    /* until it has */
	int64_t metrics_ms;	    /* when its figures were written last */
	int reserve_fd;		    /* room on the disk */
	int home_fd;		    /* inotify */
	struct smol_watch home_watch;
	bool homeless; /* the state directory is gone */

	struct smol_client_conn *clients; /* list, control.c */
	int nclients;
	struct smol_forwarded *forwards; /* list, forward.c */
	int64_t forward_id;
	struct smol_ready_conn *ready_conns; /* list, guest.c */
	int nready;
};

/* machine.c */
/* Begin. When the VM cannot be started that has been told and recorded, and m->finished is set. */
void smol_machine_begin(struct smol_monitor_state *m, const char *id, int starter_fd);
/* A child has been started: watch for its end. */
void smol_machine_child(struct smol_monitor_state *m, struct smol_child *c);
/* One has been reaped, and the VM ends without it. */
void smol_machine_child_gone(struct smol_monitor_state *m);
/* The device is back: what the agent may not have heard before is said again. */
void smol_machine_ask_again(struct smol_monitor_state *m);
void smol_machine_phase(struct smol_monitor_state *m, const char *phase);
/* The guest has ended, and its hypervisor goes on. */
void smol_machine_guest_gone(struct smol_monitor_state *m, const char *cause);
void smol_machine_ready(struct smol_monitor_state *m);
/* Somebody asks for a stop. */
void smol_machine_stop(struct smol_monitor_state *m, int64_t ask_ms, bool force);
/* The VM cannot go on: kill what there is of it. The first cause counts. */
void smol_machine_fail(struct smol_monitor_state *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* pause.c */
/* Somebody asks to pause, or to resume; that it is so is an event for those who watch. */
int smol_pause_ask(struct smol_monitor_state *m, bool pause, struct smol_err *err);
/* The hypervisor says that the guest stands still, or goes on. */
void smol_pause_is(struct smol_monitor_state *m, bool paused);
/* or that it will do neither. */
void smol_pause_refused(struct smol_monitor_state *m, const char *why);
/* How long it has stood still since it was started, all in all. */
int64_t smol_pause_ms(const struct smol_monitor_state *m);
/* A guest that is to do something must not stand still. */
void smol_pause_release(struct smol_monitor_state *m);
/* The device is back: what came meanwhile is carried out. */
void smol_pause_held(struct smol_monitor_state *m);

/* snapshot.c */
/* Somebody asks for one; that it is there is an event. */
int smol_snapshot_ask(struct smol_monitor_state *m, const char *name, struct smol_err *err);
/* The guest stands still now, or will not. */
void smol_snapshot_paused(struct smol_monitor_state *m);
void smol_snapshot_refused(struct smol_monitor_state *m, const char *why);
/* The hypervisor has written it; with a reason: it has not. */
void smol_snapshot_is(struct smol_monitor_state *m, const char *why_not);
void smol_snapshot_end(struct smol_monitor_state *m);
/* m->restore: the VM gets the token of it. */
int smol_snapshot_restore(struct smol_monitor_state *m, struct smol_err *err);
/* The hypervisor has the guest back: reach its agent. */
void smol_snapshot_back(struct smol_monitor_state *m);

/* balloon.c */
/* Somebody asks that the guest keeps mib of its memory; how far it is comes as events. */
int smol_balloon_ask(struct smol_monitor_state *m, int64_t mib, struct smol_err *err);
/* The hypervisor says that the guest has given or got memory; with a reason: that it will not. */
void smol_balloon_is(struct smol_monitor_state *m, const char *why_not);
/* {"memory_mib":…,"target_mib":…,"actual_mib":…}, without the last where the hypervisor does not
 * say; caller deletes. */
cJSON *smol_balloon_json(const struct smol_monitor_state *m);

/* record.c */
/* After the claim. */
void smol_record_begin(struct smol_monitor_state *m);
/* SMOL_VM_STARTING, _RUNNING, _PAUSED or _STOPPING: told now, or as soon as the registry takes it.
 */
void smol_record_state(struct smol_monitor_state *m, enum smol_vm_state state);
/* The end with its cause; an ephemeral VM's row is removed. */
void smol_record_end(struct smol_monitor_state *m);

/* The hypervisor's figures, the last ones, in metrics.json of the state directory. */
void smol_record_metrics(struct smol_monitor_state *m, const char *line);

/* launch.c */
/* Give what the monitor binds for a jailed hypervisor to its user; nothing without a jail. */
int smol_launch_own(const struct smol_monitor_state *m, const char *path, struct smol_err *err);
int smol_launch(struct smol_monitor_state *m, struct smol_err *err);
/* A pipe from a child: our end is in *ours, the child's is returned; -1. */
int smol_launch_pipe(int *ours, struct smol_err *err);
/* One for its complaints. */
int smol_launch_complaints(struct smol_child *c, struct smol_err *err);
/* The directories that it made for the vsock's socket; once that is gone. */
void smol_launch_remove_dirs(struct smol_monitor_state *m);

/* child.c */
/* One has ended: reap it. false when it is not so yet. */
bool smol_child_reap(struct smol_child *c, int *status);
/* "qemu was killed by signal 9 (SIGKILL)", "qemu exited with code 1: its last words"; caller frees.
 */
char *smol_child_end_words(const struct smol_child *c, int status);
/* One that was reaped, before another takes its place: which must not be before the loop's next
 * turn. */
void smol_child_close(struct smol_child *c);

/* device.c */
/* The first one, before the hypervisor. */
int smol_device_start(struct smol_monitor_state *m, struct smol_err *err);
void smol_device_exit(void *m); /* exit_watch's */
/* The hypervisor answers; holds the guest; has let it go. */
void smol_device_up(struct smol_monitor_state *m);
void smol_device_held(struct smol_monitor_state *m);
void smol_device_let_go(struct smol_monitor_state *m);
/* It has died, or is just about to be seen dead, and no other serves yet: what was told is not
 * heard. */
bool smol_device_is_gone(const struct smol_monitor_state *m);
/* Has it died? Then that is dealt with now: who asks has seen its connection end, maybe. */
void smol_device_look(struct smol_monitor_state *m);
/* The guest stands still for it, or goes on in this moment: nobody else may pause or resume it. */
bool smol_device_is_held(const struct smol_monitor_state *m);
/* {"how","restarts","ms_ago","restarting"} of its last death, or NULL; caller deletes. */
cJSON *smol_device_json(const struct smol_monitor_state *m);
/* Is it the device, or the one before, whose last words may still be waiting? */
bool smol_device_is(const struct smol_monitor_state *m, pid_t pid);
void smol_device_end(struct smol_monitor_state *m);

/* drives.c */
/* Open and lock the disks of the configuration, behind those that have been added. */
int smol_drives_open(struct smol_monitor_state *m, struct smol_err *err);
int smol_drives_add(
    struct smol_monitor_state *m, const char *path, bool readonly, struct smol_err *err);
void smol_drives_close(struct smol_monitor_state *m);

/* vsock.c */
/* Who is the vsock device is chosen and recorded; where it is the kernel the CID is claimed. */
int smol_vsock_begin(struct smol_monitor_state *m, struct smol_err *err);
/* The hypervisor has the device; or there will be none. */
void smol_vsock_release(struct smol_monitor_state *m);
/* Does this connection to the ready port come from the VM's own guest? */
bool smol_vsock_is_ours(const struct smol_monitor_state *m, int fd);
/* Where its agent is reached. */
void smol_vsock_agent_addr(const struct smol_monitor_state *m, struct smol_vsock_addr *addr);

/* shares.c */
int smol_shares_start(struct smol_monitor_state *m, struct smol_err *err);
/* The hypervisor has them. */
void smol_shares_release(struct smol_monitor_state *m);

/* control.c */
/* The starter's connection: it watches from the beginning, and may hold the VM. */
void smol_control_adopt(struct smol_monitor_state *m, int starter_fd);
int smol_control_begin(struct smol_monitor_state *m, struct smol_err *err);
/* Send an event to all who watch; it is deleted. */
void smol_control_event(struct smol_monitor_state *m, cJSON *event);
/* Deliver what is still to be sent and close all. */
void smol_control_end(struct smol_monitor_state *m);

/* Answer one who asked; the object is deleted. */
void smol_control_reply(struct smol_client_conn *c, cJSON *object);

/* forward.c */
/* Begin to forward a port; the asker is answered, at once or when the guest has. */
void smol_forward_start(
    struct smol_monitor_state *m, struct smol_client_conn *asker, const cJSON *request);
cJSON *smol_forward_list(const struct smol_monitor_state *m);
/* End one; the asker is answered when its port is free again. false: there is none of that id. */
bool smol_forward_stop(struct smol_monitor_state *m, struct smol_client_conn *asker, int64_t id);
void smol_forward_asker_gone(struct smol_monitor_state *m, const struct smol_client_conn *c);
/* Kill and reap all. */
void smol_forward_end(struct smol_monitor_state *m);

/* guest.c */
void smol_guest_begin(struct smol_monitor_state *m);
void smol_guest_end(struct smol_monitor_state *m);

/* tell.c */
typedef void (*smol_told_fn)(struct smol_monitor_state *m, bool ok, const char *words);
void smol_guest_tell_begin(struct smol_monitor_state *m);
/*
 * Tell the agent (r, without its token, is not kept); done() is called once, at once or within
 * deadline_ms: ok when it has agreed, or is too old to know of it; else words say what went wrong.
 */
void smol_guest_tell(struct smol_monitor_state *m, const struct smol_request *r,
    int64_t deadline_ms, smol_told_fn done);
/* What is being told has failed. */
void smol_guest_tell_give_up(struct smol_monitor_state *m);
/* The same, and done() is not called any more. */
void smol_guest_tell_end(struct smol_monitor_state *m);

/* output.c */
int smol_output_begin(struct smol_monitor_state *m, struct smol_err *err);
void smol_output_console(void *m);	      /* console_watch's */
void smol_output_child(struct smol_child *c); /* start reading its complaints */
void smol_output_drain(struct smol_monitor_state *m);
/* A line of a child's complaints: journalled, and the last one explains its end. */
void smol_output_complaint(struct smol_child *c, const char *line, size_t n);
/* One record in the journal; data (may be NULL) is deleted. */
void smol_journal(struct smol_monitor_state *m, const char *event, cJSON *data);
void smol_journal_text(
    struct smol_monitor_state *m, const char *event, const char *key, const char *text);
void smol_output_end(struct smol_monitor_state *m);

#endif
