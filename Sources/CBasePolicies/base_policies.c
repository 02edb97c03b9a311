#include "base_policies.h"

static const unsigned char dns[] = {
#embed "../../policies/base/dns.yaml"
};
static const unsigned char runtime[] = {
#embed "../../policies/base/runtime.yaml"
};
static const unsigned char secrets[] = {
#embed "../../policies/base/secrets.yaml"
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

static const struct swguard_base_policy policies[swguard_base_policy_count] = {
    {"base/dns", dns, sizeof dns},
    {"base/runtime", runtime, sizeof runtime},
    {"base/secrets", secrets, sizeof secrets},
    {"base/temp", temp, sizeof temp},
    {"base/terminal", terminal, sizeof terminal},
    {"base/tls", tls, sizeof tls},
};

const struct swguard_base_policy *swguard_base_policy_at(unsigned index) { return &policies[index]; }
