/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smolsh-image: builds, lists, describes and removes guest images and root images. `smolsh image …`
 * runs it with the same words; it is a program of its own because it links libarchive, which smolsh
 * does not.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "image/build.h"
#include "image/capture.h"
#include "image/import.h"
#include "image/roots.h"

static const char usage_text[] =
    "usage: smolsh image build [NAME] [--kernel FILE [--modules DIR] | --host-kernel]\n"
    "                    [--agent FILE] [--busybox FILE] [--add HOSTFILE:GUESTPATH]...\n"
    "                    [--force | --if-changed] [--json] [--quiet]\n"
    "       smolsh image list [--json]\n"
    "       smolsh image info NAME [--json] [--verify]\n"
    "       smolsh image remove NAME [--root] [--yes] [--json]\n"
    "       smolsh image import SOURCE [NAME] [--force] [--json] [--quiet]\n"
    "       smolsh image roots [--json]\n";

struct request {
	struct smol_build build;
	const char *name;   /* the first word, or NULL */
	const char *second; /* import: the name */
	bool json, quiet, verify, yes, help, root;
};

static bool quiet;

static void step(const char *line)
{
	if (!quiet)
		fprintf(stderr, "image: %s\n", line);
}

static void on_signal(int sig)
{
	(void)sig;
	smol_capture_interrupted = 1;
}

/* Takes data. */
static int answer(cJSON *data, struct smol_err *err)
{
	smol_auto_json cJSON *envelope = cJSON_CreateObject();
	smol_auto_free char *line = NULL;

	smol_json_add_bool(envelope, "ok", true);
	cJSON_AddItemToObject(envelope, "data", data);
	line = smol_json_print(envelope);
	puts(line);
	if (fflush(stdout) != 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "stdout");
	return 0;
}

static int complain(const struct smol_err *err, bool json)
{
	if (json) {
		smol_auto_json cJSON *envelope = cJSON_CreateObject();
		smol_auto_free char *line = NULL;

		smol_json_add_bool(envelope, "ok", false);
		cJSON_AddItemToObject(envelope, "error", smol_json_from_err(err));
		line = smol_json_print(envelope);
		puts(line);
	} else if (err->hint) {
		fprintf(stderr, "smolsh: %s; try: %s\n", err->msg, err->hint);
	} else {
		fprintf(stderr, "smolsh: %s\n", err->msg);
	}
	return smol_err_exit_code(err);
}

static void show_parts(const struct smol_image *img)
{
	char size[16];

	for (int i = 0; i < img->nparts; i++) {
		const struct smol_image_part *p = &img->parts[i];

		smol_size_text(p->size, size);
		printf("%-14s %6s  %s  %s\n", p->role, size, p->sha256, p->path);
	}
}

static uint64_t total_size(const struct smol_image *img)
{
	uint64_t total = 0;

	for (int i = 0; i < img->nparts; i++)
		total += img->parts[i].size;
	return total;
}

static int do_build(const struct request *o, struct smol_err *err)
{
	smol_auto_image struct smol_image *img = NULL;
	struct smol_build b = o->build;
	int64_t began = smol_now_ms();
	char size[16];
	bool built;
	cJSON *j;

	b.name = o->name ? o->name : SMOL_IMAGE_DEFAULT;
	b.step = step;
	img = smol_build(&b, &built, err);
	if (!img)
		return -1;
	if (o->json) {
		j = smol_image_json(img);
		smol_json_add_bool(j, "built", built);
		return answer(j, err);
	}
	smol_size_text(total_size(img), size);
	if (built && !o->quiet)
		printf("image '%s': Linux %s, agent %s, %s in %s (%.1f s)\n", img->name,
		    img->kernel_version, img->agent_version, size, img->dir,
		    (double)(smol_now_ms() - began) / 1000);
	else if (!o->quiet)
		printf("image '%s' is up to date (Linux %s, agent %s)\n", img->name,
		    img->kernel_version, img->agent_version);
	return 0;
}

/* What is broken is left out of a list, and said. */
static void warn(const struct smol_err *e)
{
	if (e->msg)
		fprintf(stderr, "smolsh: %s%s%s\n", e->msg, e->hint ? "; try: " : "",
		    e->hint ? e->hint : "");
}

static int do_list(const struct request *o, struct smol_err *err)
{
	smol_auto_err struct smol_err broken = SMOL_ERR_INIT;
	smol_auto_image_list struct smol_image **list = smol_image_list(&broken);
	cJSON *all = cJSON_CreateArray();
	char size[16], created[32];

	warn(&broken);
	if (!o->json && *list)
		printf("%-16s %-28s %-8s %6s  %s\n", "NAME", "KERNEL", "AGENT", "SIZE", "CREATED");
	for (struct smol_image **p = list; *p; p++) {
		cJSON_AddItemToArray(all, smol_image_json(*p));
		if (o->json)
			continue;
		smol_size_text(total_size(*p), size);
		smol_wall_text((*p)->created_ms, created);
		created[16] = '\0';
		created[10] = ' ';
		printf("%-16s %-28s %-8s %6s  %s\n", (*p)->name, (*p)->kernel_version,
		    (*p)->agent_version, size, created);
	}
	if (o->json)
		return answer(all, err);
	cJSON_Delete(all);
	return 0;
}

static int do_info(const struct request *o, struct smol_err *err)
{
	smol_auto_image struct smol_image *img =
	    smol_image_open(o->name ? o->name : SMOL_IMAGE_DEFAULT, err);
	int current = img ? smol_image_agent_current(img, NULL) : -1;
	char created[32];
	cJSON *j;

	if (!img || (o->verify && smol_image_verify(img, true, err) < 0))
		return -1;
	if (o->json) {
		j = smol_image_json(img);
		if (current >= 0)
			smol_json_add_bool(j, "agent_current", current);
		smol_json_add_bool(j, "recipe_current", smol_image_recipe_current(img));
		if (o->verify)
			smol_json_add_bool(j, "verified", true);
		return answer(j, err);
	}
	smol_wall_text(img->created_ms, created);
	printf("name           %s\n", img->name);
	printf("directory      %s\n", img->dir);
	printf("created        %s\n", created);
	printf("kernel         Linux %s\n", img->kernel_version);
	if (*img->kernel_args)
		printf("kernel args    %s\n", img->kernel_args);
	printf("agent          %s%s\n", img->agent_version,
	    current == 0 ? ", but not this smolsh's" : "");
	if (!smol_image_recipe_current(img))
		puts("contents       not those of this smolsh's images");
	show_parts(img);
	if (o->verify)
		puts("verified       all parts are what was built");
	return 0;
}

static cJSON *root_json(const struct smol_root *r)
{
	cJSON *j = smol_root_encode(r);
	smol_auto_free char *path = smol_root_path(r->digest);
	char created[32];

	smol_wall_text(r->created_ms, created);
	cJSON_DeleteItemFromObjectCaseSensitive(j, "created");
	smol_json_add_str(j, "created", created);
	smol_json_add_str(j, "path", path);
	return j;
}

static int do_import(const struct request *o, struct smol_err *err)
{
	struct smol_import im = {
	    .source = o->name, .name = o->second, .force = o->build.force, .step = step};
	smol_auto_root struct smol_root *r = NULL;
	int64_t began = smol_now_ms();
	char size[16], unpacked[16];
	bool built;
	cJSON *j;

	if (!o->name)
		return smol_err_set(err, SMOL_E_USAGE, "image import: of what?");
	r = smol_import(&im, &built, err);
	if (!r)
		return -1;
	if (o->json) {
		/* What it says can be read back: for --rootfs. */
		j = smol_root_encode(r);
		smol_json_add_bool(j, "built", built);
		return answer(j, err);
	}
	smol_size_text(r->size, size);
	smol_size_text(r->unpacked, unpacked);
	if (built && !o->quiet)
		printf("root image '%s': %s, %s packed, %.12s (%.1f s)\n", r->name, unpacked, size,
		    r->digest, (double)(smol_now_ms() - began) / 1000);
	else if (!o->quiet)
		printf("root image '%s' is up to date (%.12s)\n", r->name, r->digest);
	return 0;
}

static int do_roots(const struct request *o, struct smol_err *err)
{
	smol_auto_err struct smol_err broken = SMOL_ERR_INIT;
	smol_auto_root_list struct smol_root **list = smol_root_list(&broken);
	cJSON *all = cJSON_CreateArray();
	char size[16], created[32];

	warn(&broken);
	if (!o->json && *list)
		printf(
		    "%-16s %-12s %6s  %-16s  %s\n", "NAME", "DIGEST", "SIZE", "CREATED", "SOURCE");
	for (struct smol_root **p = list; *p; p++) {
		smol_auto_free char *source = smol_escape((*p)->source, strlen((*p)->source));

		cJSON_AddItemToArray(all, root_json(*p));
		if (o->json)
			continue;
		smol_size_text((*p)->size, size);
		smol_wall_text((*p)->created_ms, created);
		created[16] = '\0';
		created[10] = ' ';
		printf(
		    "%-16s %.12s %6s  %s  %s\n", (*p)->name, (*p)->digest, size, created, source);
	}
	if (o->json)
		return answer(all, err);
	cJSON_Delete(all);
	return 0;
}

/* Asks on the terminal; without one, or with --json, --yes has to be given. */
static int confirm(const struct request *o, const char *name, const char *dir, struct smol_err *err)
{
	const char *what = o->root ? "root image" : "image";

	char line[16] = "";

	if (o->yes)
		return 0;
	if (o->json || !isatty(0) || !isatty(2)) {
		smol_err_set(err, SMOL_E_USAGE, "removing %s '%s' has to be confirmed", what, name);
		return smol_err_hint(
		    err, "smolsh image remove %s%s --yes", name, o->root ? " --root" : "");
	}
	fprintf(stderr, "Remove %s '%s' (%s)? [y/N] ", what, name, dir);
	if (!fgets(line, sizeof(line), stdin) || tolower((unsigned char)line[0]) != 'y')
		return smol_err_set(err, SMOL_E_INTERRUPTED, "nothing was removed");
	return 0;
}

static int do_remove(const struct request *o, struct smol_err *err)
{
	smol_auto_image struct smol_image *img = NULL;
	smol_auto_root struct smol_root *root = NULL;
	cJSON *j;

	if (!o->name)
		return smol_err_set(err, SMOL_E_USAGE, "image remove: which image?");
	if (o->root) {
		root = smol_root_open(o->name, err);
		if (!root || confirm(o, root->name, root->source, err) < 0 ||
		    smol_root_remove(root, err) < 0)
			return -1;
	} else {
		img = smol_image_open(o->name, err);
		if (!img || confirm(o, img->name, img->dir, err) < 0 ||
		    smol_build_remove(img, err) < 0)
			return -1;
	}
	if (o->json) {
		j = cJSON_CreateObject();
		smol_json_add_str(j, "removed", o->name);
		return answer(j, err);
	}
	if (!o->quiet)
		printf("removed %s '%s'\n", o->root ? "root image" : "image", o->name);
	return 0;
}

enum {
	OPT_KERNEL = 256,
	OPT_MODULES,
	OPT_HOST_KERNEL,
	OPT_AGENT,
	OPT_BUSYBOX,
	OPT_ADD,
	OPT_FORCE,
	OPT_IF_CHANGED,
	OPT_JSON,
	OPT_QUIET,
	OPT_VERIFY,
	OPT_YES,
	OPT_ROOT,
	OPT_HELP,
};

static const struct option long_options[] = {
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"modules", required_argument, NULL, OPT_MODULES},
    {"host-kernel", no_argument, NULL, OPT_HOST_KERNEL},
    {"agent", required_argument, NULL, OPT_AGENT},
    {"busybox", required_argument, NULL, OPT_BUSYBOX},
    {"add", required_argument, NULL, OPT_ADD},
    {"force", no_argument, NULL, OPT_FORCE},
    {"if-changed", no_argument, NULL, OPT_IF_CHANGED},
    {"json", no_argument, NULL, OPT_JSON},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"yes", no_argument, NULL, OPT_YES},
    {"root", no_argument, NULL, OPT_ROOT},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/* Which verb takes which options, as a bit per option. */
#define BIT(o) (1U << ((o)-OPT_KERNEL))
#define COMMON (BIT(OPT_JSON) | BIT(OPT_QUIET) | BIT(OPT_HELP))

static const struct verb {
	const char *name;
	unsigned options;
	int (*run)(const struct request *o, struct smol_err *err);
} verbs[] = {
    {"build",
	COMMON | BIT(OPT_KERNEL) | BIT(OPT_MODULES) | BIT(OPT_HOST_KERNEL) | BIT(OPT_AGENT) |
	    BIT(OPT_BUSYBOX) | BIT(OPT_ADD) | BIT(OPT_FORCE) | BIT(OPT_IF_CHANGED),
	do_build},
    {"list", COMMON, do_list},
    {"info", COMMON | BIT(OPT_VERIFY), do_info},
    {"remove", COMMON | BIT(OPT_YES) | BIT(OPT_ROOT), do_remove},
    {"import", COMMON | BIT(OPT_FORCE), do_import},
    {"roots", COMMON, do_roots},
};

static int take_add(struct smol_build *b, const char *arg, struct smol_err *err)
{
	const char *colon = strrchr(arg, ':');

	if (!colon || colon == arg || colon[1] != '/')
		return smol_err_set(err, SMOL_E_USAGE,
		    "--add takes HOSTFILE:GUESTPATH with an absolute GUESTPATH, not '%s'", arg);
	if (b->nadds == SMOL_BUILD_ADDS_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "--add can be given %d times", SMOL_BUILD_ADDS_MAX);
	b->adds[b->nadds++] = arg;
	return 0;
}

static int take_option(struct request *o, int c, const char *arg, struct smol_err *err)
{
	switch (c) {
	case OPT_KERNEL:
		o->build.kernel = arg;
		break;
	case OPT_MODULES:
		o->build.modules = arg;
		break;
	case OPT_HOST_KERNEL:
		o->build.host_kernel = true;
		break;
	case OPT_AGENT:
		o->build.agent = arg;
		break;
	case OPT_BUSYBOX:
		o->build.busybox = arg;
		break;
	case OPT_ADD:
		return take_add(&o->build, arg, err);
	case OPT_FORCE:
		o->build.force = true;
		break;
	case OPT_IF_CHANGED:
		o->build.if_changed = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_VERIFY:
		o->verify = true;
		break;
	case OPT_YES:
		o->yes = true;
		break;
	case OPT_ROOT:
		o->root = true;
		break;
	case OPT_HELP:
		o->help = true;
		break;
	}
	return 0;
}

static int bad_option(const char *word, struct smol_err *err)
{
	const char *names[SMOL_ARRAY_SIZE(long_options)] = {NULL};
	smol_auto_free char *shown = smol_escape(word, strlen(word));
	smol_auto_free char *plain = smol_strndup(shown, strcspn(shown, "="));
	const char *near;

	for (size_t i = 0; long_options[i].name; i++)
		names[i] = long_options[i].name;
	near = smol_nearest(plain + strspn(plain, "-"), names);
	smol_err_set(
	    err, SMOL_E_USAGE, "image: no such option, or its value is missing: %s", shown);
	return near ? smol_err_hint(err, "--%s", near) : -1;
}

static int check_combination(const struct request *o, const struct verb *v, struct smol_err *err)
{
	const struct smol_build *b = &o->build;
	const char *name = v->run == do_import ? o->second : o->name;

	if (b->modules && !b->kernel)
		return smol_err_set(err, SMOL_E_USAGE, "--modules goes with --kernel");
	if (b->kernel && b->host_kernel)
		return smol_err_set(
		    err, SMOL_E_USAGE, "--kernel and --host-kernel exclude each other");
	if (o->second && v->run != do_import)
		return smol_err_set(err, SMOL_E_USAGE, "image: too many words");
	if (name && !smol_image_name_ok(name)) {
		smol_auto_free char *shown = smol_escape(name, strlen(name));

		return smol_err_set(err, SMOL_E_INVALID,
		    "'%s' cannot be an image's name: a-z 0-9 . _ - only, a letter or digit "
		    "first, at most %d",
		    shown, SMOL_IMAGE_NAME_MAX);
	}
	return 0;
}

static const struct verb *find_verb(const char *word, struct smol_err *err)
{
	const char *names[SMOL_ARRAY_SIZE(verbs) + 1] = {NULL};
	smol_auto_free char *shown = NULL;
	const char *near;

	for (size_t i = 0; i < SMOL_ARRAY_SIZE(verbs); i++) {
		names[i] = verbs[i].name;
		if (word && strcmp(word, verbs[i].name) == 0)
			return &verbs[i];
	}
	if (!word) {
		smol_err_set(
		    err, SMOL_E_USAGE, "image: build, list, info, remove, import or roots?");
		smol_err_hint(err, "smolsh image list");
		return NULL;
	}
	shown = smol_escape(word, strlen(word));
	near = smol_nearest(word, names);
	smol_err_set(err, SMOL_E_USAGE, "image: there is no '%s'", shown);
	smol_err_hint(err, "smolsh image %s", near ? near : "list");
	return NULL;
}

/* Options may stand anywhere; the first word that is none is the verb, the second a name. */
static const struct verb *parse(int argc, char **argv, struct request *o, struct smol_err *err)
{
	const char *words[3] = {NULL, NULL, NULL};
	const struct verb *v;
	unsigned seen = 0;
	int c, n = 0;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "-h", long_options, NULL)) != -1 || optind < argc) {
		if (c == 1 || c == -1) {
			if (n == 3) {
				smol_err_set(err, SMOL_E_USAGE, "image: too many words");
				return NULL;
			}
			words[n++] = c == 1 ? optarg : argv[optind++];
			continue;
		}
		if (c == '?') {
			bad_option(argv[optind - 1], err);
			return NULL;
		}
		c = c == 'h' ? OPT_HELP : c;
		seen |= BIT(c);
		if (take_option(o, c, optarg, err) < 0)
			return NULL;
	}
	o->name = words[1];
	o->second = words[2];
	if (o->help && !words[0])
		return &verbs[0];
	v = find_verb(words[0], err);
	if (!v || check_combination(o, v, err) < 0)
		return NULL;
	for (size_t i = 0; long_options[i].name; i++)
		if (seen & ~v->options & BIT(long_options[i].val)) {
			smol_err_set(err, SMOL_E_USAGE, "image %s: there is no option --%s",
			    v->name, long_options[i].name);
			return NULL;
		}
	return v;
}

int main(int argc, char **argv)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	struct sigaction sa = {.sa_handler = on_signal};
	struct request o = {0};
	const struct verb *v = parse(argc, argv, &o, &err);

	/* libarchive takes names apart by the locale's rules: all of UTF-8, and the rest as bytes.
	 */
	setlocale(LC_CTYPE, "C.UTF-8");
	quiet = o.quiet || o.json;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	if (!v)
		return complain(&err, o.json);
	if (o.help)
		return fputs(usage_text, stdout) < 0;
	if (v->run(&o, &err) < 0)
		return complain(&err, o.json);
	return 0;
}
