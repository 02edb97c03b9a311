#ifndef SWGUARD_OWN_IMAGE_H
#define SWGUARD_OWN_IMAGE_H

#include <stddef.h>

/* The linker's build id of the running executable (NT_GNU_BUILD_ID), in the executable's own memory; NULL where it
 * has none. */
const unsigned char *_Nullable swguard_build_id(size_t *_Nonnull size);

/* Unmaps the pages of the executable's code; what runs on is read back as it is needed. Done while a command runs,
 * so that the end of this process, for which somebody waits, has little left to take down. */
void swguard_forget_code(void);

#endif
