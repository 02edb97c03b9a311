#ifndef SWGUARD_PINS_H
#define SWGUARD_PINS_H

/* The file system that keeps BPF objects. Functions return -errno where they fail. */

/* Whether `path` is in one. */
int swguard_is_bpffs(const char *path);

/* Mounts one at `path`, as systemd does: root's alone. */
int swguard_mount_bpffs(const char *path);

#endif
