internal import ArgumentParser
internal import Confinement
internal import Glibc

// `run` is read by a scanner of its own: a start of ArgumentParser costs more than everything else together.
if CommandLine.arguments.dropFirst().first == "run" {
    RunEntry.main(Array(CommandLine.arguments.dropFirst(2)))
}
SwguardCommand.start()
