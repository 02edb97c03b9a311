#include "control_interface.h"

static const char description[] = {
#embed "../Control/io.swguard.Control.varlink"
};

const char *swguard_control_interface(void) { return description; }

size_t swguard_control_interface_size(void) { return sizeof description; }
