// What the kernel's programs and user space say to each other. Both compile this file.
//
// Fixed-width fields, widest first, padding explicit, sizes asserted. Fields are appended, never reordered.
#pragma once

#include <linux/types.h>

// A task's policies stack up to this depth; one more is refused, not dropped.
#define SWGUARD_LAYERS_MAX 8
// Linux: NAME_MAX is 255; one byte ends it.
#define SWGUARD_NAME_SIZE 256

enum __attribute__((enum_extensibility(open))) swguard_event_kind : __u32 {
	SWGUARD_EVENT_FILE_OPEN = 1,
};

// The value of the map `layers` for one task: the policies that it is under, oldest first.
struct swguard_layers {
	__u32 count;
	__u32 policies[SWGUARD_LAYERS_MAX];
};
_Static_assert(sizeof(struct swguard_layers) == 36, "task storage of `layers`");

// The key of the map `denied`: an object's name and that of the directory it is in, padded with NUL.
struct swguard_name_pair {
	char directory[SWGUARD_NAME_SIZE];
	char name[SWGUARD_NAME_SIZE];
};
_Static_assert(sizeof(struct swguard_name_pair) == 512, "key of `denied`");

// One record of the ring buffer `events`.
struct swguard_event {
	// Since boot, suspended time included (CLOCK_BOOTTIME).
	__u64 time_ns;
	__u64 inode;
	// As the initial PID namespace numbers them.
	__u32 process;
	__u32 thread;
	enum swguard_event_kind kind;
	__u32 policy;
	__u32 rule;
	__u32 reserved;
};
_Static_assert(sizeof(struct swguard_event) == 40, "record of `events`");
