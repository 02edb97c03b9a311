#pragma once
#include <stddef.h>

/// The description of `io.swguard.Control`, in Varlink's interface language: what GetInterfaceDescription answers.
const char *_Nonnull swguard_control_interface(void);

/// Its size in bytes.
size_t swguard_control_interface_size(void);
