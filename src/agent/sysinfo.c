/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest says of itself: see sysinfo.h. What cannot be learnt is left out. */
#include "agent/sysinfo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

int64_t smol_sysinfo_uptime_ms(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t smol_sysinfo_oom_kills(void)
{
	static const char field[] = "\noom_kill ";
	smol_auto_buf struct smol_buf b = {0};
	const char *p = NULL;

	if (smol_file_read("/proc/vmstat", 65536, &b, NULL) == 0)
		p = strstr(smol_buf_str(&b), field);
	return p ? strtoll(p + strlen(field), NULL, 10) : -1;
}

static void add_memory(cJSON *j)
{
	smol_auto_buf struct smol_buf b = {0};
	cJSON *m = cJSON_AddObjectToObject(j, "memory");
	static const struct {
		const char *field, *key;
	} fields[] = {{"MemTotal:", "total"}, {"MemAvailable:", "available"}};

	if (smol_file_read("/proc/meminfo", 65536, &b, NULL) < 0)
		return;
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(fields); i++) {
		const char *p = strstr(smol_buf_str(&b), fields[i].field);

		if (p)
			smol_json_add_int(m, fields[i].key,
			    strtoll(p + strlen(fields[i].field), NULL, 10) * 1024);
	}
}

static void add_load(cJSON *j)
{
	double load[3];

	if (getloadavg(load, 3) == 3)
		cJSON_AddItemToObject(j, "load", cJSON_CreateDoubleArray(load, 3));
}

static void add_processes(cJSON *j)
{
	smol_auto_closedir DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (!d)
		return;
	while ((e = readdir(d)))
		n += isdigit((unsigned char)e->d_name[0]) != 0;
	smol_json_add_int(j, "processes", n);
}

static void add_disk(cJSON *j)
{
	struct statvfs v;
	cJSON *d;

	if (statvfs("/", &v) < 0)
		return;
	d = cJSON_AddObjectToObject(j, "disk");
	smol_json_add_int(d, "total", (int64_t)v.f_blocks * (int64_t)v.f_frsize);
	smol_json_add_int(d, "free", (int64_t)v.f_bavail * (int64_t)v.f_frsize);
}

void smol_sysinfo_add(cJSON *j)
{
	struct utsname u;

	if (uname(&u) == 0) {
		smol_json_add_str(j, "kernel", u.release);
		smol_json_add_str(j, "hostname", u.nodename);
		smol_json_add_str(j, "machine", u.machine);
	}
	smol_json_add_int(j, "uptime_ms", smol_sysinfo_uptime_ms());
	smol_json_add_int(j, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	add_memory(j);
	add_load(j);
	add_processes(j);
	add_disk(j);
}
