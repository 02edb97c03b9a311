internal import Policy

extension ArgumentCondition.Comparison: BinaryCodable {}
extension Operation: BinaryCodable {}
extension FileAccess: BinaryCodable {}
extension SyscallABI: BinaryCodable {}

extension SyscallDecisions: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        policy.encode(to: &writer)
        mode.encode(to: &writer)
        causes.encode(to: &writer)
        lists.encode(to: &writer)
        tables.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            policy: try String(from: &reader), mode: try Policy.Mode(from: &reader),
            causes: try [Cause](from: &reader), lists: try [[Branch]](from: &reader),
            tables: try [Table](from: &reader))
        // What points somewhere must point to something: whoever asks does not look again.
        guard lists.joined().allSatisfy({ $0.cause.map(causes.indices.contains) ?? true }),
            tables.allSatisfy({ $0.calls.allSatisfy { lists.indices.contains($0.list) } })
        else { throw reader.error }
    }
}

extension SyscallDecisions.Test: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        argument.encode(to: &writer)
        mask.encode(to: &writer)
        comparison.encode(to: &writer)
        value.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            try UInt8(from: &reader), mask: try UInt64(from: &reader),
            try ArgumentCondition.Comparison(from: &reader), try UInt64(from: &reader))
    }
}

extension SyscallDecisions.Outcome: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        switch self {
        case .allow: writer.write(0)
        case .errno(let code):
            writer.write(1)
            code.encode(to: &writer)
        case .kill: writer.write(2)
        }
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        switch try reader.readByte() {
        case 0: self = .allow
        case 1: self = .errno(try Int32(from: &reader))
        case 2: self = .kill
        default: throw reader.error
        }
    }
}

extension SyscallDecisions.Branch: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        tests.encode(to: &writer)
        outcome.encode(to: &writer)
        cause.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            tests: try [SyscallDecisions.Test](from: &reader),
            outcome: try SyscallDecisions.Outcome(from: &reader), cause: try Int?(from: &reader))
    }
}

extension SyscallDecisions.Cause: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        rule.encode(to: &writer)
        subject.encode(to: &writer)
        isReported.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            rule: try DecidingRule(from: &reader), subject: try Subject(from: &reader),
            isReported: try Bool(from: &reader))
    }
}

extension SyscallDecisions.Cause.Subject: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        switch self {
        case .syscall: writer.write(0)
        case .operation(let operation):
            writer.write(1)
            operation.encode(to: &writer)
        case .socket: writer.write(2)
        case .file(let access):
            writer.write(3)
            access.encode(to: &writer)
        }
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        switch try reader.readByte() {
        case 0: self = .syscall
        case 1: self = .operation(try Operation(from: &reader))
        case 2: self = .socket
        case 3: self = .file(try FileAccess(from: &reader))
        default: throw reader.error
        }
    }
}

extension SyscallDecisions.Call: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        number.encode(to: &writer)
        name.encode(to: &writer)
        list.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            number: try UInt32(from: &reader), name: try String(from: &reader), list: try Int(from: &reader))
    }
}

extension SyscallDecisions.Table: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        abi.encode(to: &writer)
        calls.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(abi: try SyscallABI(from: &reader), calls: try [SyscallDecisions.Call](from: &reader))
    }
}
