internal import Confinement
private import Glibc

// `run` is read by a scanner of its own: a start of ArgumentParser costs more than everything else together.
let arguments = unsafe RunEntry.strings(CommandLine.unsafeArgv)
if arguments.dropFirst().first == Array("run".utf8) { RunEntry.start(Array(arguments.dropFirst(2))) }
SwguardCommand.start()
