import Control
import Glibc
import Policy

@testable import Agent
@testable import AuditLog
@testable import BPF

/// The log that is there when an agent begins: what is before the first 0xff was rotated. What must hold: no crash, what
/// was not torn is kept, and the log goes on behind it or is not touched.
@c(LLVMFuzzerTestOneInput)
public func fuzzAuditFiles(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let parts = bytes.split(separator: 0xff, maxSplits: 1, omittingEmptySubsequences: false).map { Array($0) }
    let directory = Directory()
    if let rotated = parts.dropLast().first { directory.write(rotated, "audit-1.jsonl") }
    directory.write(parts[parts.count - 1], "audit.jsonl")
    follow(directory, parts[parts.count - 1])
    read(directory)
    account(directory)
    goOn(directory)
    return 0
}

/// A directory of its own, which ends with its files.
private final class Directory {
    let path: String

    init() {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/dev/shm"
        var template = Array("\(parent)/log-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("no directory") }
        path = String(cString: made)
    }

    deinit {
        for name in names { unlink(path + "/" + name) }
        rmdir(path)
    }

    var place: LogPlace { LogPlace(path + "/audit.jsonl") }
    var names: [String] { ((try? place.names()) ?? []).filter { !$0.hasPrefix(".") }.sorted() }

    func write(_ bytes: [UInt8], _ name: String) {
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        precondition(Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "no room")
        close(descriptor)
    }

    func contents(_ name: String) -> [UInt8] {
        guard let file = try? LogDescriptor(path + "/" + name, O_RDONLY) else { return [] }
        return (try? file.read(Int(file.status().size), at: 0)) ?? []
    }

    var all: [String: [UInt8]] { Dictionary(uniqueKeysWithValues: names.map { ($0, contents($0)) }) }

    func verify() -> LogVerifier.Finding {
        guard let finding = try? LogVerifier.verify(place.files()) else {
            preconditionFailure("not readable")
        }
        return finding
    }
}

/// `audit tail`, with the second half coming later.
private func follow(_ directory: Directory, _ bytes: [UInt8]) {
    directory.write(Array(bytes.prefix(bytes.count / 2)), "audit.jsonl")
    guard var follower = try? LogFollower(directory.place.path, lines: 2) else {
        preconditionFailure("not readable")
    }
    for half in [bytes, [], bytes] {
        directory.write(half, "audit.jsonl")
        for line in (try? follower.takeLines()) ?? [] { show(line) }
        _ = follower.takeNotices()
    }
    rename(directory.path + "/audit.jsonl", directory.path + "/audit-7.jsonl")
    directory.write(bytes, "audit.jsonl")
    for line in (try? follower.takeLines()) ?? [] { show(line) }
    _ = follower.takeNotices()
    unlink(directory.path + "/audit-7.jsonl")
}

private func show(_ line: [UInt8]) {
    guard let record = LogRecord(line) else { return }
    let text = TerminalText.of(record.text) + TerminalText.of(record.time?.text ?? record.timeText, limit: 40)
    precondition(
        !text.unicodeScalars.contains { $0.properties.generalCategory == .control }, "steers the terminal")
    precondition(!record.json.text.utf8.contains { $0 < 0x20 }, "more than a line")
}

/// `audit query` and `audit verify`.
private func read(_ directory: Directory) {
    _ = directory.verify()
    var query = LogQuery()
    query.since = AuditTime(seconds: 1_795_342_530, nanoseconds: 0)
    query.until = AuditTime(seconds: 1_795_342_531, nanoseconds: 0)
    query.processes = [.pid(812), .name("nginx"), .executable("/usr/sbin/nginx")]
    var summaries = LogSummary.Key.allCases.map { LogSummary(by: $0) }
    var records = LogRecords((try? directory.place.files()) ?? [])
    while let record = try? records.next() {
        show(record.line)
        _ = query.accepts(record)
        for index in summaries.indices { summaries[index].add(record) }
    }
    for summary in summaries { _ = summary.top(3) }
}

/// What an agent makes of the lines that one before left.
private func account(_ directory: Directory) {
    guard let map = try? MappedMap(ofNoMap: Accounts.size * Accounts.capacity) else {
        preconditionFailure("no memory")
    }
    let accounts = Accounts(map)
    let ledger = EventLedger(accounts, UnsettledLines(accounts))
    for record in directory.place.records(after: 0) {
        guard let amounts = EventLedger.amounts(of: record) else { continue }
        accounts.add(amounts, to: 3, line: UInt64(record.sequence))
    }
    let counts = ledger.counts(of: 3, .init())
    precondition(counts.handled >= 0 && counts.waiting >= 0)
    accounts.move(from: 3, to: 4)
}

/// An agent begins, writes a line and ends.
private func goOn(_ directory: Directory) {
    let place = directory.place
    let before = directory.all
    let found = directory.verify()
    let resumption: LogResumption
    do {
        resumption = try LogRecovery(place: place).run()
    } catch {
        precondition(directory.all == before, "what is refused was touched")
        return
    }
    var file = LogFile(place, keeping: resumption.torn > 0 ? resumption.file.size : nil)
    var composer = LogComposer(resumption, boot: Array("0f3c".utf8), host: Array("web-3".utf8))
    let time = AuditTime(seconds: 1_795_342_540, nanoseconds: 0)
    var steps = composer.write(.agent(AgentRecord(state: .started)), at: time, now: 0)
    steps += composer.end(at: time)
    for step in steps {
        switch step {
        case .line(let line): _ = try? file.write([line])
        case .sync: break
        case .rotate(let first): try? file.rotate(first: first)
        case .reopen: try? file.reopen()
        }
    }
    let written = steps.count { if case .line = $0 { true } else { false } }
    let after = directory.contents("audit.jsonl")
    let lines = after.split(separator: 0x0a).suffix(written).map {
        LogLine(after[$0.startIndex...$0.endIndex])
    }
    precondition(lines.first??.sequence == resumption.next, "it does not go on where it ended")
    precondition(lines.allSatisfy { $0 != nil }, "what was written is no line")
    // That a file was rotated without a seal shows only when another follows.
    if found.damage == nil, found.unsealed == 0 || resumption.file.first != nil {
        precondition(directory.verify().damage == nil, "what was whole is damaged")
    }

    let old = before["audit.jsonl"] ?? []
    if directory.all.values.contains(old) { return }
    // It was gone on with in the same file: but for a torn end, all of it is there.
    let kept = zip(old, after).prefix { $0 == $1 }.count
    precondition(
        !old[kept...].split(separator: 0x0a, omittingEmptySubsequences: false).dropLast()
            .contains { !$0.contains(0) }, "a line was lost that no power cut can have torn")
}
