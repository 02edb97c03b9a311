internal import AuditLog
internal import BPF
internal import Compiler
internal import Control
private import Glibc
internal import Policy

/// Sealing: until the machine starts again nobody changes what is enforced, root included.
///
/// The seal is a word in the kernel that only a program of the set writes, and never back. An agent that comes after is let
/// through by the kernel because it runs the same file, and by itself because it is told the same; it goes on with the
/// generation in force and reads no policy.
extension Agent {
    static let sealedText = "it is sealed until the machine starts again"

    /// What an agent is told but for its policies: its successors are told the same, or do not begin.
    static func digest(_ context: Context, _ configuration: AgentConfiguration) -> [UInt8] {
        SHA256.hash(configuration.contents, Array("\0\(context.socket)".utf8))
    }

    /// Whether one of the sets is sealed, so that no other agent begins than its successor.
    static func isSealed(
        _ sets: [PinDirectory.SetName], in pins: PinDirectory, _ digest: [UInt8]
    ) throws(StartError) -> Bool {
        guard let seal = sets.lazy.compactMap({ AgentMaps.seal(of: pins.set($0)) }).first else {
            return false
        }
        guard seal.digest == digest else {
            throw StartError(
                .cannot, "\(sealedText), by an agent with another configuration or another socket")
        }
        return true
    }

    /// Becomes the successor of a sealed agent, where there was one: before anything else is touched.
    static func succeedSealed(_ context: Context, _ configuration: AgentConfiguration) throws(StartError) {
        guard geteuid() == 0,
            let pins = try StartError.unless({ () throws(PinError) in try PinDirectory.existing() })
        else { return }
        let sets = try StartError.unless { () throws(PinError) in try pins.contents().sets }
        guard try isSealed(sets, in: pins, digest(context, configuration)) else { return }
        // Where it runs still, listening says so.
        for set in sets { _ = try? AgentMaps.claim(pins.set(set)) }
    }

    /// Seals what is in force.
    mutating func seal(_ configuration: AgentConfiguration) throws(StartError) {
        let digest = Self.digest(context, configuration)
        try StartError.unless { () throws(KernelError) in try enforcement.own.seal(digest) }
        isSealed = true
        watch = nil
        for text in Self.sealedFacts { context.log.info(text) }
    }

    /// What is said when it is sealed: the docs say it at length.
    private static let sealedFacts = [
        "sealed until the machine starts again: policies, pins, programs and maps; this process (signals but process 1's, "
            + "ptrace, limits); its program, configuration, state, log and socket; the kernel's memory (as lockdown=integrity), "
            + "and BPF programs that trace or decide",
        "not sealed: a start with another kernel command line, the disk beneath the files, what was held open or loaded "
            + "before, the agent's own end (by process 1, by want of memory): what is enforced outlives it",
    ]

    /// What clients are told who would change something.
    static let sealedAnswer = ControlAnswer.failed("cannot change what is enforced: \(sealedText)")

    /// Once a second: whether programs were taken off their hooks.
    mutating func noticeMissing() {
        guard let missing = enforcement.newlyMissing() else { return }
        tellMissing(missing)
    }

    mutating func tellMissing(_ missing: [String]) {
        missingPrograms = missing
        if missing.isEmpty { return }
        writer.write(.agent(AgentRecord(state: .degraded, reason: missingText)))
        context.log.warning("\(missingText); a new start attaches them")
    }

    /// What is missing, in words.
    var missingText: String {
        let names = missingPrograms.map {
            $0.hasPrefix("swguard_") ? String($0.dropFirst("swguard_".count)) : $0
        }
        return
            "\(names.count) programs are not attached any more: "
            + names.prefix(Self.namedMissing).joined(separator: ", ")
            + (names.count > Self.namedMissing ? ", \(names.count - Self.namedMissing) more" : "")
    }

    private static let namedMissing = 8
}
