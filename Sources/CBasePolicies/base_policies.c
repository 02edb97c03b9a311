#include "base_policies.h"

static const unsigned char dns[] = {
#embed "../../policies/base/dns.yaml"
};
static const unsigned char runtime[] = {
#embed "../../policies/base/runtime.yaml"
};
static const unsigned char temp[] = {
#embed "../../policies/base/temp.yaml"
};
static const unsigned char terminal[] = {
#embed "../../policies/base/terminal.yaml"
};
static const unsigned char tls[] = {
#embed "../../policies/base/tls.yaml"
};

const struct swguard_base_policy swguard_base_policies[5] = {
    {"base/dns", dns, sizeof dns},
    {"base/runtime", runtime, sizeof runtime},
    {"base/temp", temp, sizeof temp},
    {"base/terminal", terminal, sizeof terminal},
    {"base/tls", tls, sizeof tls},
};
