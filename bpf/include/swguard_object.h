// The programs of bpf/programs, compiled for the kernel and linked in as bytes (an ELF object).
#pragma once

#include <stddef.h>

extern const unsigned char swguard_bpf_object[];
extern const size_t swguard_bpf_object_size;

// Swift imports no array of unknown length.
static inline const void *_Nonnull swguard_bpf_object_address(void)
{
	return swguard_bpf_object;
}
