/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the VM and its processes say: the console into console.log as it comes, the children's
 * complaints and all events into journal.jsonl, one JSON object a line. Foreign text is data in a
 * JSON string, so no record can forge another.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "vm/lifecycle.h"

#define COMPLAINT_MAX  1024		    /* bytes of a line that is kept */
#define POWEROFF_MARK  "reboot: Power down" /* the kernel's last words */
#define HALT_MARK      "reboot: System halted"
#define AGENT_MARK     "smolsh-agent: "
#define AGENT_WORDS    16 /* of the agent's lines that are kept in so many milliseconds */
#define AGENT_WORDS_MS 10000

/* The console's log goes on over the boots: where the next one begins. */
static void mark_boot(struct smol_rotlog *l)
{
	smol_auto_free char *line = NULL;
	char when[32];

	if (!l->size)
		return;
	smol_wall_text(smol_wall_ms(), when);
	line = smol_asprintf("\n" SMOL_CONSOLE_MARK "%s ---\n", when);
	smol_rotlog_write(l, line, strlen(line));
}

int smol_output_begin(struct smol_monitor_state *m, struct smol_err *err)
{
	smol_auto_free char *console = smol_asprintf("%s/console.log", m->state_dir);
	smol_auto_free char *journal = smol_asprintf("%s/journal.jsonl", m->state_dir);

	if (smol_mkdir_p(m->state_dir, 0700, err) < 0 ||
	    smol_rotlog_open(&m->console, console, SMOL_CONSOLE_MAX, err) < 0 ||
	    smol_rotlog_open(&m->journal, journal, SMOL_JOURNAL_MAX, err) < 0)
		return -1;
	mark_boot(&m->console);
	return 0;
}

void smol_journal(struct smol_monitor_state *m, const char *event, cJSON *data)
{
	smol_auto_json cJSON *j = data ? data : cJSON_CreateObject();
	smol_auto_free char *text = NULL;
	smol_auto_free char *line = NULL;
	char when[32];

	if (!m->journal.path)
		return;
	smol_wall_text(smol_wall_ms(), when);
	smol_json_add_str(j, "time", when);
	smol_json_add_str(j, "event", event);
	text = smol_json_print(j);
	line = smol_asprintf("%s\n", text);
	smol_rotlog_write(&m->journal, line, strlen(line));
}

void smol_journal_text(
    struct smol_monitor_state *m, const char *event, const char *key, const char *text)
{
	cJSON *j = cJSON_CreateObject();

	smol_json_add_str(j, key, text);
	smol_journal(m, event, j);
}

/* What the agent and PID 1 have to say goes into the journal too: requests that were refused, jobs
 * that were lost. Anybody in the guest can write such a line, so there is a limit. */
static void journal_agent(struct smol_monitor_state *m, const char *text)
{
	smol_auto_free char *safe = smol_escape(text, strcspn(text, "\r\n"));
	int64_t now = smol_now_ms();
	cJSON *j;

	if (now - m->agent_words_ms >= AGENT_WORDS_MS) {
		m->agent_words_ms = now;
		m->agent_words = 0;
	}
	if (++m->agent_words > AGENT_WORDS)
		return;
	j = cJSON_CreateObject();
	smol_json_add_str(j, "text", safe);
	smol_journal(m, "agent", j);
}

/* A whole line of the console: what the monitor looks for in it. */
static void console_line(struct smol_monitor_state *m)
{
	char *p;

	m->console_line[m->console_len] = '\0';
	m->said_line = true;
	p = strstr(m->console_line, SMOL_PANIC_MARK);
	if (p && !m->panic[0]) {
		smol_auto_free char *safe = smol_escape(p, strcspn(p, "\r\n"));

		snprintf(m->panic, sizeof(m->panic), "%s", safe);
	}
	/* Some hypervisors go on when their guest has powered off: it says so itself. */
	if (!(m->backend.ops->info->capabilities & SMOL_CAP_POWEROFF) &&
	    (strstr(m->console_line, POWEROFF_MARK) || strstr(m->console_line, HALT_MARK)))
		smol_machine_guest_gone(m, "the guest powered off");
	if (!m->ready && strncmp(m->console_line, "smolsh-agent: up", 16) == 0)
		smol_machine_phase(m, "agent");
	else if (strncmp(m->console_line, AGENT_MARK, strlen(AGENT_MARK)) == 0)
		journal_agent(m, m->console_line + strlen(AGENT_MARK));
	m->console_len = 0;
}

void smol_output_console(void *ctx)
{
	struct smol_monitor_state *m = ctx;
	char buf[8192];
	ssize_t n = read(m->console_fd, buf, sizeof(buf));

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			smol_watch_stop(&m->console_watch);
		return;
	}
	smol_rotlog_write(&m->console, buf, (size_t)n);
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			console_line(m);
		else if (m->console_len < sizeof(m->console_line) - 1)
			m->console_line[m->console_len++] = buf[i] ? buf[i] : ' ';
	}
}

void smol_output_drain(struct smol_monitor_state *m)
{
	/* The hypervisor is dead or stopped in its reset: what it wrote is all there, and bounded
	 * by the socket's buffer. */
	for (int i = 0;
	     i < 256 && m->console_fd >= 0 &&
	     smol_io_wait(m->console_fd, POLLIN, smol_in_ms(0)) > 0 && m->console_watch.active;
	     i++)
		smol_output_console(m);
}

/* What QEMU says at each start, and of a vsock device that has died, while it is told to give it
 * up: no news, and no reason of anything. */
static bool is_no_news(const struct smol_child *c, const char *line, size_t n)
{
	static const char waits[] = ": info: QEMU waiting for connection on: ";
	static const char *const words[] = {
	    "Failed to set msg fds", "vhost VQ ", "vhost_set_vring_call failed"};

	if (c == &c->m->hypervisor && memmem(line, n, waits, strlen(waits)))
		return true;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(words); i++)
		if (c == &c->m->hypervisor && smol_device_is_held(c->m) && n >= strlen(words[i]) &&
		    strncmp(line, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

void smol_output_complaint(struct smol_child *c, const char *line, size_t n)
{
	/* What explains an end is an error, not a note: QEMU's words, Firecracker's, the device's.
	 */
	static const char *const notes[] = {
	    ": info: ", ": warning: ", ":INFO] ", ":WARN] ", ": sandbox: "};
	bool note = false;
	smol_auto_free char *safe = smol_escape(line, n > COMPLAINT_MAX ? COMPLAINT_MAX : n);
	cJSON *j;

	if (!n || is_no_news(c, line, n))
		return;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(notes); i++)
		note = note || strstr(safe, notes[i]);
	if (!note)
		snprintf(c->last_line, sizeof(c->last_line), "%s", safe);
	j = cJSON_CreateObject();
	smol_json_add_str(j, "from", c->what);
	smol_json_add_str(j, "text", safe);
	smol_journal(c->m, "message", j);
}

static void on_complaint(void *ctx)
{
	struct smol_child *c = ctx;
	ssize_t n = read(c->stderr_fd, smol_buf_reserve(&c->stderr_buf, 4096), 4096);
	char *line;
	size_t len;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			smol_watch_stop(&c->stderr_watch);
			smol_output_complaint(
			    c, smol_buf_str(&c->stderr_buf), smol_buf_len(&c->stderr_buf));
			smol_buf_clear(&c->stderr_buf);
		}
		return;
	}
	smol_buf_commit(&c->stderr_buf, (size_t)n);
	while ((line = smol_buf_line(&c->stderr_buf, &len)))
		smol_output_complaint(c, line, len);
	if (smol_buf_len(&c->stderr_buf) > 4 * COMPLAINT_MAX)
		smol_buf_clear(&c->stderr_buf);
}

void smol_output_child(struct smol_child *c)
{
	smol_io_set_nonblock(c->stderr_fd, true);
	smol_watch_start(&c->m->loop, &c->stderr_watch, c->stderr_fd, on_complaint, c);
}

static void drain_complaints(struct smol_child *c)
{
	while (c->stderr_watch.active && smol_io_wait(c->stderr_fd, POLLIN, smol_in_ms(0)) > 0)
		on_complaint(c);
}

void smol_output_end(struct smol_monitor_state *m)
{
	drain_complaints(&m->hypervisor);
	drain_complaints(&m->device);
	for (int i = 0; i < SMOL_SHARES_MAX; i++)
		drain_complaints(&m->share_children[i]);
	smol_output_drain(m);
}
