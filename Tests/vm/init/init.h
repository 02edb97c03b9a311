// The parts of the first process of the test VM. Each ends the machine where it cannot do its part.
#pragma once

// What the host shares is mounted here at first, and the root directory is built there.
#define SHARE "/share"
#define ROOT "/system"

_Noreturn void end(void);
_Noreturn void fail(const char *format, ...);

// root.c
void build_root(void);
void enter_root(void);

// launch.c
_Noreturn void launch(void);

// command.c
int run(char **command, char **environment, int patience);
void report(int status);
