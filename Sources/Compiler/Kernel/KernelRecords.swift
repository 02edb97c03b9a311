/// The records of `tables` in `swguard_abi.h`, as numbers of 32-bit words; a test holds both together.
enum KernelRecords {
    /// `SWGUARD_NO_RULE`.
    static let noRule = UInt32.max
    /// `SWGUARD_LAUNCHER`, in place of a slot.
    static let launcher = UInt32.max
    /// SWGUARD_NOT_BENEATH.
    static let notBeneath: UInt32 = 0x4000_0000

    /// `struct swguard_automaton`.
    enum Automaton {
        static let size = 4
        static let classes = 0
        static let cells = 1
        static let verdicts = 2
        static let start = 3
        /// The words of a class table.
        static let classWords = 64
    }

    /// `struct swguard_verdict`.
    enum Verdict {
        static let size = 12
        static let granted = 0
        static let marks = 1
        static let rules = 2
        static let reported = 11
    }

    /// `enum swguard_mark`.
    enum Mark {
        static let kernelHelper: UInt32 = 1 << 0
    }

    /// `struct swguard_policy`.
    enum Policy {
        static let size = 24
        static let capabilities = 0
        static let families = 2
        static let operations = 4
        static let flags = 5
        static let firstRule = 6
        static let operationRules = 7
        static let capabilityRules = 8
        static let familyRule = 9
        static let netlinks = 10
        static let endpoints = 11
        static let endpointCount = 12
        static let unmediated = 13
        static let files = 14
        static let sockets = 18
        static let layer = 22
        static let owner = 23
    }

    /// `enum swguard_policy_flags`.
    enum Flag {
        static let complains: UInt32 = 1 << 0
        static let files: UInt32 = 1 << 1
        static let network: UInt32 = 1 << 2
        static let capabilities: UInt32 = 1 << 3
        static let networkDefaultAllow: UInt32 = 1 << 4
        static let run: UInt32 = 1 << 5
    }

    /// `struct swguard_generation`.
    enum Generation {
        static let size = 16
        static let number = 0
        static let policyCount = 1
        static let policies = 2
        static let userEntries = 3
        static let userEntryCount = 4
        static let guardCount = 5
        static let executables = 6
        static let cgroups = 10
        static let guardedAccesses = 14
        static let closed = 15
    }
}
