// What every program is made of. Included first.
#pragma once

#include <linux/bpf.h>
#include <linux/errno.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "kernel.h"
#include "swguard_abi.h"

#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif
