#ifndef SWGUARD_CAPABILITIES_H
#define SWGUARD_CAPABILITIES_H

/* Whether this process has any capability in its permitted set, and so in its effective or ambient one. */
int swguard_has_capabilities(void);

#endif
