import Foundation
import Testing

/// Where rows are tried: files, sockets and processes that they ask for, and one agent with all their policies, each of
/// which begins with a program of its own.
///
/// Unchecked: one suite uses it, one test after the other.
final class RequestStage: Stage, @unchecked Sendable {
    /// The stage of the tests that run.
    @TaskLocal static var current: RequestStage?
    static var scope: TaskLocal<RequestStage?> { $current }

    private static let root = "/requests"

    private static let build = """
        mkdir -p \(root) && mount -t tmpfs none \(root) && cd \(root)
        mkdir mnt served w bin
        cp "$1" bin/free; cp "$1" setid; chown 65534 setid; chmod 4755 setid
        echo x >file; echo x >others; chown 65534 others; echo x >closed; chown 65534 closed; chmod 000 closed
        """

    private static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "attacks").path

    private let agent: RunningAgent
    private var children: [Child]
    /// What stands for the words in capitals.
    private let words: [String: String]
    /// What each call came to before there was an agent, by the row's name.
    let before: [String: Int32]

    /// Prepares everything, tries every row without a policy, and starts the agent.
    init() throws {
        guard try Child("/bin/sh", "-e", "-c", Self.build, "sh", Self.attacks).wait() == 0 else {
            throw RunningAgent.Failure(text: "the stage cannot be built")
        }
        for index in Request.policies.indices { link(Self.program(nil), Self.program(index)) }
        let served = Self.root + "/served/"
        let service = try Child(
            Self.program(nil), "endpoints-serve", "stream", served + "stream", "datagram",
            served + "datagram",
            "packet", served + "packet", "stream", "@served-stream", "datagram", "@served-datagram")
        let target = try Child("/usr/bin/sleep", "10000")
        let nobody = try Child(
            "/usr/bin/setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/sleep", "10000")
        children = [service, target, nobody]
        let segment = shmget(IPC_PRIVATE, 4096, 0o600), semaphores = semget(IPC_PRIVATE, 1, 0o600)
        let queue = msgget(IPC_PRIVATE, 0o600)
        // The lower bits of an identifier (IPCMNI_SHIFT of ipc/util.h).
        func index(_ identifier: CInt) -> String { String(identifier & 0x7fff) }
        words = [
            "DIR": Self.root + "/mnt", "FILE": Self.root + "/file", "OTHERS": Self.root + "/others",
            "PROGRAM": Self.root + "/setid", "CLOSED": Self.root + "/closed",
            "DEVICE": Self.root + "/w/device", "SETID": Self.root + "/setid",
            "TARGET": String(target.identifier), "NOBODY": String(nobody.identifier),
            "SHM": String(segment), "SEM": String(semaphores), "MSG": String(queue),
            "SHM-INDEX": index(segment), "SEM-INDEX": index(semaphores), "MSG-INDEX": index(queue),
        ]
        // Until it serves.
        for _ in 0..<500 where access(served + "packet", F_OK) != 0 { usleep(10_000) }
        var before: [String: Int32] = [:]
        for row in Request.all { before[row.name] = try Self.run(row, words, by: Self.program(nil)) }
        self.before = before
        var policies: [String: String] = [:]
        for (index, sections) in Request.policies.enumerated() {
            policies["p\(index)"] = "subjects: [{exec: \(Self.program(index))}]\n\(sections)"
        }
        agent = try RunningAgent(policies)
    }

    /// The program with which a policy begins; nil: with which none does.
    private static func program(_ policy: Int?) -> String {
        root + "/bin/" + (policy.map { "p\($0)" } ?? "free")
    }

    private static func run(_ row: Request, _ words: [String: String], by program: String) throws -> Int32 {
        try Child([program] + row.call.map { words[$0] ?? $0 }).wait()
    }

    /// What a row's call comes to under a policy of these sections; nil: under none.
    func run(_ row: Request, under sections: String?) throws -> Int32 {
        let index = try sections.map { try #require(Request.policies.firstIndex(of: $0)) }
        return try Self.run(row, words, by: Self.program(index))
    }

    /// The first denial of an action that a policy of these sections reported since this was asked last; waits a little for
    /// it. There are others: a call can ask for more than one thing, and what equals an earlier event is written later.
    func denial(of action: String, under sections: String) throws -> Event? {
        let index = try #require(Request.policies.firstIndex(of: sections))
        func isIt(_ event: Event) -> Bool {
            event["kind"] == "denial" && event["policy", "name"] == "p\(index)" && event["action"] == action
        }
        return try agent.events(until: isIt).first(where: isIt)
    }

    /// Ends the agent, and tries every row once more by the programs with which policies began.
    func end() throws {
        #expect(try agent.end() == 0, "\(agent.errors)")
        for row in Request.all {
            guard let denial = row.denying.first else { continue }
            #expect(try run(row, under: denial.sections) == row.otherwise, "afterwards: \(row.name)")
        }
        for child in children { child.end() }
    }
}
