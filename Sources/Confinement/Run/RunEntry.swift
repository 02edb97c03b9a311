internal import AuditLog
internal import CLinux
private import Glibc

/// `swguard run`: scans the arguments, runs the command, ends the process.
public enum RunEntry {
    /// The exit status of swguard's own failures; then the command was never started.
    public static let failureStatus = CommandRun.failureStatus

    /// Never returns, unless the help is asked for.
    ///
    /// - Parameter arguments: Everything behind `run`.
    public static func start(_ arguments: [[UInt8]]) {
        do {
            guard let options = try RunScanner.scan(arguments) else { return }
            var kept = options.keptDescriptors
            if case .descriptor(let number) = options.audit { kept.append(number) }
            try Descriptors.protect(keeping: kept)
            let run = CommandRun(options)
            if options.printsPolicy {
                try run.printPolicy()
                exit(0)
            }
            // Nothing is buffered, and nothing of ours waits for the end of the process.
            _exit(try run.run())
        } catch let error as RunScanner.UsageError {
            StandardError.say(error.text)
        } catch let error as DescriptorError {
            let which = error.descriptor.map { "descriptor \($0)" } ?? "descriptors"
            StandardError.say("cannot keep \(which): \(SystemError.text(error.code))")
        } catch let error as CommandRun.Refused {
            for line in error.lines { StandardError.say(line) }
        } catch {
            StandardError.say("cannot run: \(error)")
        }
        exit(failureStatus)
    }

    /// The bytes of a C vector's strings, as main and the environment have them.
    public static func strings(_ vector: UnsafePointer<UnsafeMutablePointer<CChar>?>) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var index = 0
        // The vector ends with NULL, and its strings with NUL: the kernel made it.
        while let string = unsafe vector[index] {
            unsafe result.append(Array(UnsafeRawBufferPointer(start: string, count: strlen(string))))
            index += 1
        }
        return result
    }
}
