// The programs of Tests/CNeighbour/programs, compiled for the kernel and linked in as bytes (an ELF object).
#pragma once

#include <stddef.h>

extern const unsigned char neighbour_bpf_object[];
extern const size_t neighbour_bpf_object_size;

// Swift imports no array of unknown length.
static inline const void *_Nonnull neighbour_bpf_object_address(void)
{
	return neighbour_bpf_object;
}
