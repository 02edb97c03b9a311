// All programs that swguard loads, one object: a file a hook family.
#include "attributes.bpf.h"
#include "capabilities.bpf.h"
#include "entry.bpf.h"
#include "files.bpf.h"
#include "joining.bpf.h"
#include "listing.bpf.h"
#include "names.bpf.h"
#include "network.bpf.h"
#include "operations.bpf.h"
#include "running.bpf.h"
#include "seal.bpf.h"
// Last.
#include "decision.bpf.h"

// Many of the helpers are open to GPL-compatible programs only.
char LICENSE[] SEC("license") = "Dual MIT/GPL";
