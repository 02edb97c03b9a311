import AuditLog
import Confinement
import Glibc

/// The bytes of a C vector's strings.
func strings(_ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var index = 0
    while let string = unsafe vector[index] {
        unsafe result.append(Array(UnsafeRawBufferPointer(start: string, count: strlen(string))))
        index += 1
    }
    return result
}

func fail(_ text: String) -> Never {
    StandardError.say(text)
    exit(125)
}

let arguments = unsafe strings(CommandLine.unsafeArgv)
guard arguments.dropFirst().first == Array("run".utf8) else { fail("only 'run' is there") }
do {
    guard let options = try RunScanner.scan(Array(arguments.dropFirst(2))) else { exit(0) }
    try Descriptors.protect(keeping: options.keptDescriptors)
    let environment = unsafe strings(environ)
    var request = LaunchRequest(
        arguments: options.command, environment: environment,
        candidates: CommandLookup.candidates(
            for: options.command[0], path: CommandLookup.path(in: environment)))
    request.keptDescriptors = options.keptDescriptors
    let name = String(decoding: options.command[0], as: UTF8.self)
    if options.isExecOnly {
        let failure = Launcher.execute(request)
        StandardError.say(failure.message(command: name))
        exit(failure.status)
    }
    var reporting = Reporter.Options()
    reporting.command = name
    reporting.isVerbose = options.isVerbose
    let outcome = Supervisor.run(request, context: .init(), reporter: Reporter(options: reporting))
    if case .notStarted(let failure) = outcome { StandardError.say(failure.message(command: name)) }
    exit(outcome.status)
} catch let error as RunScanner.UsageError {
    fail(error.text)
} catch let error as DescriptorError {
    fail("cannot keep descriptor \(error.descriptor ?? -1): \(SystemError.text(error.code))")
}
