internal import AuditLog
internal import Compiler
internal import Control
private import Glibc

/// Gives the machine back to its owner after policies that locked it up.
///
/// Whoever starts the kernel with `swguard=off` on its command line is obeyed. And where boot after boot ends soon after
/// policies came into force, the next one goes without them, until the policies change or its record is removed: a machine
/// that nobody can use is worth no more than one that is not confined. A confined process gains nothing by that unless its
/// policies let it end the machine, several times.
struct BootGuard {
    /// So many boots in a row, and not one more.
    static let limit = 3
    /// A boot is good when policies have been in force for as long, in milliseconds: time to log in and to unload one.
    static let trial: UInt64 = 300_000
    static let standardPath = "/var/lib/swguard/boots"

    /// What is known of the boots before.
    struct Record: Hashable {
        /// The last boot that came so far.
        var boot: String
        /// What was enforced then.
        var policies: String
        /// How many boots in a row did not last, this one included as long as it has not.
        var count: Int

        init(boot: String, policies: String, count: Int) {
            self.boot = boot
            self.policies = policies
            self.count = count
        }

        /// `1 BOOT POLICIES COUNT`; nil: something else.
        init?(_ text: String) {
            let words = text.split(whereSeparator: \.isWhitespace)
            guard words.count == 4, words[0] == "1", let count = Int(words[3]), count >= 0 else { return nil }
            self.init(boot: String(words[1]), policies: String(words[2]), count: count)
        }

        var text: String { "1 \(boot) \(policies) \(count)\n" }
    }

    /// Whether to enforce.
    enum Decision: Hashable {
        /// Yes, and what is to be written down before.
        case enforce(Record)
        /// No, and why.
        case stop(String)
    }

    /// Whether the owner said so when the kernel was started. The last word counts, as with the kernel's own parameters.
    static func isOff(commandLine: String) -> Bool {
        commandLine.split(whereSeparator: \.isWhitespace).last { $0.hasPrefix("swguard=") } == "swguard=off"
    }

    /// The kernel's own; empty where procfs does not tell.
    static var commandLine: String {
        String(decoding: ProcessFile.read("/proc/cmdline") ?? [], as: UTF8.self)
    }

    /// What to do in this boot.
    ///
    /// - Parameters:
    ///   - boot: this boot's id.
    ///   - policies: a digest of what would be enforced.
    static func decide(record: Record?, boot: String, policies: String) -> Decision {
        guard let record, record.policies == policies else {
            return .enforce(Record(boot: boot, policies: policies, count: 1))
        }
        // The agent of this boot was started again: it says nothing about the boot.
        if record.boot == boot { return .enforce(record) }
        guard record.count < limit else {
            return .stop(
                "the last \(record.count) boots ended within \(trial / 60_000) minutes under these policies: change them, or "
                    + "remove \(standardPath)")
        }
        return .enforce(Record(boot: boot, policies: policies, count: record.count + 1))
    }

    /// What is written down when this boot has lasted.
    static func passed(_ record: Record) -> Record {
        var record = record
        record.count = 0
        return record
    }
}

extension BootGuard {
    /// A boot that has not lasted yet.
    struct Trial {
        private let record: Record
        /// By the clock of `ControlServer.now`.
        private let end: UInt64

        init(_ record: Record) {
            self.record = record
            end = ControlServer.now + BootGuard.trial
        }

        /// That of `boot`, which an agent before this one began; nil: it has lasted.
        init?(of boot: String) {
            guard let record = Record.read(standardPath), record.boot == boot, record.count > 0 else {
                return nil
            }
            self.init(record)
        }

        func isOver(now: UInt64) -> Bool { now >= end }

        /// Notes that the boot has lasted. Gives why that cannot be.
        func end(at path: String = standardPath) -> String? {
            BootGuard.passed(record).write(path) ? nil : unsafe String(cString: strerror(errno))
        }
    }

    /// Lets policies come into force for the first time in this boot, or not.
    ///
    /// Enforces also where that cannot be noted, and says so: the kernel's command line is left to the owner.
    static func admit(
        _ digests: [String], boot: String, _ say: (String) -> Void
    ) throws(StartError) -> Trial? {
        let hash = SHA256.hash(Array(digests.sorted().joined(separator: "\n").utf8))
        let policies = String(decoding: SHA256.hexadecimal(hash[...]), as: UTF8.self)
        // Policies that are not there lock nobody up.
        if digests.isEmpty { return nil }
        switch decide(record: Record.read(standardPath), boot: boot, policies: policies) {
        case .stop(let reason): throw StartError(.cannot, reason)
        case .enforce(let record):
            // The rest of what is in it is the agent's state; whoever comes first makes it.
            unsafe mkdir(StateDirectory.path, 0o700)
            if record.count > 0, !record.write(standardPath) {
                say("cannot note this boot in '\(standardPath)': \(unsafe String(cString: strerror(errno)))")
            }
            return record.count > 0 ? Trial(record) : nil
        }
    }
}

extension BootGuard {
    /// Forgets this boot, and those before it: their owner has taken the policies out.
    static func forget() { _ = unsafe unlink(standardPath) }
}

extension BootGuard.Record {
    /// What the file says; nil: it is not there, or says something else.
    static func read(_ path: String) -> Self? {
        ProcessFile.read(path).flatMap { Self(String(decoding: $0, as: UTF8.self)) }
    }

    /// Writes the file anew, on the disk when it returns. False: errno says why not.
    func write(_ path: String) -> Bool {
        WholeFile.replace(path, with: Array(text.utf8), mode: 0o600, isDurable: true)
    }
}
