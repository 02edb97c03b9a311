/// What happened: one line of the audit log, but for what the writer adds (number, time, boot, host).
public enum AuditEvent: Hashable, Sendable {
    /// Confinement began, changed or ended.
    case enforcement(EnforcementRecord)
    /// A request was denied, or in complain mode would have been.
    case denial(AccessRecord)
    /// A request was allowed by a rule that says `log: true`.
    case grant(AccessRecord)
    /// A policy was loaded, replaced, removed or rolled back.
    case policy(PolicyRecord)
    /// Events were not written.
    case gap(GapRecord)
    /// The agent started, stopped, took over or is degraded.
    case agent(AgentRecord)
    /// Somebody tried to touch the agent, its pins or its maps.
    case tamper(TamperRecord)
    /// A link of the chain.
    case seal(SealRecord)

    /// The event's `kind`.
    public var kind: Kind {
        switch self {
        case .enforcement: .enforcement
        case .denial: .denial
        case .grant: .grant
        case .policy: .policy
        case .gap: .gap
        case .agent: .agent
        case .tamper: .tamper
        case .seal: .seal
        }
    }

    /// The kinds of events.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case enforcement, denial, grant, policy, gap, agent, tamper, seal
    }

    /// Which layer of the kernel decided.
    public enum Layer: String, CaseIterable, Hashable, Sendable {
        case lsm, landlock, seccomp
        /// Seen by notification and judged by the evaluator.
        case observed
    }

    /// What was decided.
    public enum Verdict: String, CaseIterable, Hashable, Sendable {
        case allow, deny
        case wouldDeny = "would-deny"
    }

    /// Whether a policy denies or only reports.
    public enum Mode: String, CaseIterable, Hashable, Sendable {
        case enforce, complain
    }
}

/// A point of time.
public struct AuditTime: Hashable, Sendable, Comparable {
    /// Since 1970, UTC, as the kernel's real-time clock counts (no leap seconds).
    public var seconds: Int64
    /// 0 to 999,999,999.
    public var nanoseconds: Int32

    public init(seconds: Int64, nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// So many nanoseconds after 1970, or before.
    public init(sinceEpoch nanoseconds: Int64) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(
            seconds: rest < 0 ? seconds - 1 : seconds,
            nanoseconds: Int32(rest < 0 ? rest + 1_000_000_000 : rest))
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// `2026-11-22T10:15:30.123456789Z`.
    public var text: String {
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        let (year, month, day) = Self.date(days: days)
        var text: [UInt8] = []
        text.reserveCapacity(40)
        func add(_ number: Int64, _ width: Int, _ mark: Unicode.Scalar) {
            // Years have more digits than four, or a sign, only where no clock is.
            let digits = String(number).utf8
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, width - digits.count)))
            text.append(contentsOf: digits)
            text.append(UInt8(ascii: mark))
        }
        add(year, 4, "-")
        add(month, 2, "-")
        add(day, 2, "T")
        add(rest / 3600, 2, ":")
        add(rest / 60 % 60, 2, ":")
        add(rest % 60, 2, ".")
        add(Int64(nanoseconds), 9, "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// The date in the Gregorian calendar that is `days` after 1970-01-01.
    ///
    /// Counted in eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
