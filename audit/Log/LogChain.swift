/// The chain of seals over a log, as its writer makes it and its reader makes it again.
///
/// A seal's hash is SHA-256 over the 32 bytes of the hash before it and every byte since: from behind the digits of that
/// hash, in a new file from its first byte, up to the seal's own digits. So each byte of a file is in exactly one hash, those of
/// the seals' own lines too; only the three bytes behind the last digits are not, and these can be but `"}` and a newline.
///
/// A file that continues another begins with a seal of no lines, whose digits are the last hash of the file before: it is there to be read,
/// and its bytes are in the next hash like any others.
public struct LogChain: Sendable {
    /// The last hash.
    public private(set) var last: LogHash
    /// How many lines there were since, the seal's own not counted.
    public private(set) var lines: UInt64 = 0
    private var hash = RunningHash()

    /// The chain at the beginning of a file, behind the hash that the file before ended with.
    public init(after hash: LogHash = .none) {
        last = hash
        self.hash.add(hash.bytes)
    }

    /// The chain behind the line of a seal with these digits.
    init(behind hash: LogHash) {
        self.init(after: hash)
        self.hash.add(LogLine.behindDigits)
    }

    /// Takes a line that is no seal, with its newline.
    mutating func add(_ line: some Sequence<UInt8>) {
        hash.add(Array(line))
        lines += 1
    }

    /// Takes the first line of a file, which tells the hash before.
    mutating func addOpening(_ line: some Sequence<UInt8>) { hash.add(Array(line)) }

    /// The hash of a seal whose line begins with `beginning`, up to its digits; the chain goes on behind that line.
    mutating func seal(_ beginning: some Sequence<UInt8>) -> LogHash {
        hash.add(Array(beginning))
        let value = hash.value
        self = Self(behind: value)
        return value
    }
}
