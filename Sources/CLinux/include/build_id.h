#ifndef SWGUARD_BUILD_ID_H
#define SWGUARD_BUILD_ID_H

#include <stddef.h>

/* The linker's build id of the running executable (NT_GNU_BUILD_ID), in the executable's own memory; NULL where it
 * has none. */
const unsigned char *_Nullable swguard_build_id(size_t *_Nonnull size);

#endif
