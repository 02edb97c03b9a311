#pragma once
#include <stddef.h>

/// The policies of `policies/base`, so that the one executable works before anything is installed.
struct swguard_base_policy {
    /// As an `include` names it: `base/runtime`.
    const char *_Nonnull name;
    const unsigned char *_Nonnull text;
    size_t size;
};

/// The base policies, in alphabetical order.
extern const struct swguard_base_policy swguard_base_policies[5];
