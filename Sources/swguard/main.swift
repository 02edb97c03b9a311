internal import Confinement
private import Glibc

// `run` is read by a scanner of its own: a start of ArgumentParser costs more than everything else together.
if CommandLine.argc > 1, let name = unsafe CommandLine.unsafeArgv[1], unsafe strcmp(name, "run") == 0 {
    // Behind the program's name and `run`; the vector ends with NULL.
    RunEntry.start(unsafe RunEntry.strings(CommandLine.unsafeArgv + 2))
}
SwguardCommand.start()
