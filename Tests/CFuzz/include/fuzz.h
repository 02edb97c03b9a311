#pragma once

// The main of a fuzz target, which is given the name that the package manager links an executable's main by.
int swguard_fuzz_main(int argc, char **argv);
