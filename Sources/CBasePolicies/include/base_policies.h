#pragma once
#include <stddef.h>

/// The policies of `policies/base`, so that the one executable works before anything is installed.
struct swguard_base_policy {
    /// As an `include` names it: `base/runtime`.
    const char *_Nonnull name;
    const unsigned char *_Nonnull text;
    size_t size;
};

enum { swguard_base_policy_count = 6 };

/// The base policy `index`, below the count.
const struct swguard_base_policy *_Nonnull swguard_base_policy_at(unsigned index);
