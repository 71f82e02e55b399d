/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats: what VMs use, once or again and again. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "shell/commands.h"
#include "shell/each.h"
#include "shell/output.h"
#include "shell/stats.h"

static const char *const headers[] = {
    "NAME", "STATE", "HEALTH", ">CPU", ">RESIDENT", ">MEMORY", ">UPTIME", ">JOBS", NULL};

static void add_row(struct smol_table *t, const struct smol_stat *st)
{
	char cpu[16] = "-", resident[16] = "-", memory[16], up[16] = "-", jobs[24] = "-";

	if (st->cpu >= 0)
		snprintf(cpu, sizeof(cpu), "%.1f%%", st->cpu);
	if (st->resident >= 0)
		smol_size_text((uint64_t)st->resident, resident);
	smol_size_text((uint64_t)st->memory, memory);
	if (st->uptime_ms >= 0)
		smol_duration_text(st->uptime_ms, up);
	if (st->jobs >= 0)
		snprintf(jobs, sizeof(jobs), "%lld", (long long)st->jobs);
	smol_table_row(t, (const char *const[]){st->name, smol_vm_state_name(st->state),
			      smol_health_name(st->health), cpu, resident, memory, up, jobs});
}

static void print_table(const struct smol_shell *sh, const struct smol_stats *s, int n)
{
	struct smol_table *t = smol_table_new(headers);

	for (int i = 0; i < n; i++)
		add_row(t, smol_stats_at(s, i));
	smol_table_print(t, !sh->quiet, smol_out_width());
	smol_table_free(t);
}

/* The VMs that were named, else all; that there is none is no error then. */
static int find_vms(
    struct smol_shell *sh, const struct smol_args *args, struct smol_each *e, struct smol_err *err)
{
	static const char *const all[] = {"@all"};

	*e = (struct smol_each){0};
	if (args->nwords)
		return smol_each_words(sh, args->words, args->nwords, e, err);
	if (smol_each_words(sh, all, 1, e, err) == 0)
		return 0;
	if (err->code != SMOL_E_NOT_FOUND)
		return -1;
	smol_err_clear(err);
	return 0;
}

static cJSON *as_json(const struct smol_stats *s, const struct smol_each *e)
{
	cJSON *list;

	if (e->single && e->nvms)
		return smol_stat_json(smol_stats_at(s, 0));
	list = cJSON_CreateArray();
	for (int i = 0; i < e->nvms; i++)
		cJSON_AddItemToArray(list, smol_stat_json(smol_stats_at(s, i)));
	return list;
}

/* As `jobs` does: the table first, then what went wrong. */
static int tell(struct smol_shell *sh, const struct smol_stats *s, const struct smol_each *e)
{
	int worst = 0;

	if (!sh->json)
		print_table(sh, s, e->nvms);
	for (int i = 0; i < e->nmissed; i++) {
		worst = smol_each_worse(worst, smol_err_exit_code(&e->missed[i].err));
		if (!sh->json)
			smol_out_trouble(sh, &e->missed[i].err);
	}
	if (sh->json && e->nmissed)
		smol_out_data_failed(sh, as_json(s, e), &e->missed[0].err);
	else if (sh->json)
		smol_out_data(sh, as_json(s, e));
	return worst;
}

static int once(const struct smol_each *e, struct smol_stats *s, int stop_fd)
{
	smol_deadline measured = smol_in_ms(SMOL_STATS_CPU_MS);

	smol_stats_round(s, e->vms, e->nvms);
	if (smol_stats_hear(s, smol_in_ms(SMOL_STATS_SILENT_MS), true, stop_fd))
		return 1;
	for (int i = 0; i < e->nvms; i++)
		if (smol_vm_state_live(e->vms[i]->state)) {
			if (smol_stats_hear(s, measured, false, stop_fd))
				return 1;
			break;
		}
	smol_stats_round(s, e->vms, e->nvms);
	return 0;
}

/* On a terminal a round takes the place of the one before; elsewhere an empty line is between. */
static void print_round(
    const struct smol_shell *sh, const struct smol_stats *s, int n, int *lines, int64_t round)
{
	struct winsize ws;

	if (sh->json) {
		for (int i = 0; i < n; i++) {
			cJSON *j = smol_stat_json(smol_stats_at(s, i));

			smol_json_add_int(j, "round", round);
			smol_out_line(j);
		}
		return;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && isatty(STDOUT_FILENO)) {
		if (*lines && *lines < ws.ws_row)
			printf("\033[%dA\r\033[J", *lines);
		else if (*lines)
			fputs("\033[H\033[J", stdout);
	} else if (*lines) {
		putchar('\n');
	}
	print_table(sh, s, n);
	*lines = n + !sh->quiet;
}

/* Until Ctrl-C, or until nobody reads it. VMs come and go meanwhile. */
static int watch(struct smol_shell *sh, const struct smol_args *args, struct smol_each *e,
    struct smol_stats *s, struct smol_signals *signals, struct smol_err *err)
{
	int64_t interval_ms = smol_watch_interval(args);
	int lines = 0, flushed = 0, sig;

	for (int i = 0; i < e->nmissed; i++)
		smol_out_trouble(sh, &e->missed[i].err);
	smol_stats_round(s, e->vms, e->nvms);
	bool stop = smol_stats_hear(s, smol_in_ms(SMOL_STATS_CPU_MS), false, signals->fd);
	for (int64_t round = 1; !stop; round++) {
		smol_auto_err struct smol_err why = SMOL_ERR_INIT;

		smol_each_free(e);
		if (find_vms(sh, args, e, &why) < 0 && why.code != SMOL_E_NOT_FOUND)
			return smol_err_move(err, &why);
		smol_stats_round(s, e->vms, e->nvms);
		print_round(sh, s, e->nvms, &lines, round);
		flushed = smol_out_flush(err);
		if (flushed)
			return flushed;
		stop = smol_stats_hear(s, smol_in_ms(interval_ms), false, signals->fd);
	}
	sig = smol_signals_take(signals);
	sh->interrupted = sh->answered = true;
	return sig ? 128 + sig : SMOL_EXIT_READER_GONE;
}

static int run_stats(struct smol_shell *sh, const struct smol_args *args, struct smol_err *err)
{
	smol_auto_signals struct smol_signals signals = SMOL_SIGNALS_INIT;
	smol_auto_each struct smol_each e;
	bool again = smol_args_flag(args, "watch");
	struct smol_stats *s;
	int code;

	if (find_vms(sh, args, &e, err) < 0 || smol_signals_open(&signals, err) < 0)
		return -1;
	s = smol_stats_new(again ? SMOL_STATS_SILENT_LONG_MS : SMOL_STATS_SILENT_MS);
	if (again)
		code = watch(sh, args, &e, s, &signals, err);
	else if (once(&e, s, signals.fd))
		code = smol_shell_interrupted(sh, &signals,
		    &(struct smol_err){.code = SMOL_E_INTERRUPTED, .msg = "interrupted"});
	else
		code = tell(sh, s, &e);
	smol_stats_free(s);
	return code;
}

const struct smol_command smol_cmd_stats[] = {
    {
	.name = "stats",
	.summary = "show what VMs use: CPU, memory, jobs",
	.description =
	    "Without a VM: of all. HEALTH: ok, silent (its agent does not answer), paused,\n"
	    "or - where it does not run. CPU: of the hypervisor; 100% is one CPU of the\n"
	    "host. RESIDENT: what it takes of the host's memory; MEMORY: what its guest was\n"
	    "given. With --watch and --json a line for each VM and round.",
	.examples = "smolsh stats\n"
		    "smolsh stats @role=web --watch --interval 5s\n"
		    "smolsh stats web --json",
	.options = {smol_watch_options},
	.positionals = smol_vms_words,
	.run = run_stats,
    },
    {0},
};
