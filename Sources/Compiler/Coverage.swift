public import Policy

/// What the kernel will enforce of a policy, rule by rule, and what it will not.
public struct Coverage: Hashable, Sendable {
    /// The kernel mechanisms: those of `run`, and the agent's.
    public enum Layer: String, Hashable, Sendable {
        case landlock, seccomp, capabilities, lsm
    }

    /// How much of something is enforced.
    public enum Extent: String, Hashable, Sendable {
        case full, partial, none
    }

    /// One line of `plan`: a rule, a section's default or an operation, and what enforces it.
    public struct Row: Hashable, Sendable {
        /// The section: `files`, `network`, `capabilities`, `operations`, `syscalls`.
        public var section: String
        /// A rule's id, `files.default`, or an operation's name.
        public var subject: String
        public var location: SourceLocation?
        public var extent: Extent
        public var layers: [Layer]
        /// How, in a few words: `path_beneath read on 3 directories`.
        public var mechanism: String

        public init(
            section: String, subject: String, location: SourceLocation?, extent: Extent, layers: [Layer],
            mechanism: String
        ) {
            self.section = section
            self.subject = subject
            self.location = location
            self.extent = extent
            self.layers = layers
            self.mechanism = mechanism
        }
    }

    /// A place where what is enforced differs from what is written.
    public struct Finding: Hashable, Sendable {
        /// How it differs.
        public enum Kind: String, CaseIterable, Hashable, Sendable {
            /// It would grant more than a rule says: refused unless `--allow-partial`.
            case excess
            /// It is blind to a default: printed; refused under `--strict`.
            case gap
            /// It grants less: printed, with the names that cannot be used; refused under `--strict`.
            case narrowed
            /// A rule that says `coarse: true` grants what the layer sees.
            case widened
            /// It cannot be done at all (too many rules or entries): refused always.
            case impossible
        }

        public var kind: Kind
        public var section: String
        /// The rule's id, or `files.default` and the like.
        public var subject: String
        public var location: SourceLocation?
        /// What differs and, for an excess, what would be right: lower case, no full stop.
        public var text: String

        public init(
            _ kind: Kind, section: String, subject: String, location: SourceLocation?, text: String
        ) {
            self.kind = kind
            self.section = section
            self.subject = subject
            self.location = location
            self.text = text
        }
    }

    public var rows: [Row]
    public var findings: [Finding]

    public init(rows: [Row] = [], findings: [Finding] = []) {
        self.rows = rows
        self.findings = findings
    }

    /// Adds what another part of the compiler found.
    public mutating func merge(_ other: Self) {
        rows += other.rows
        findings += other.findings
    }
}
