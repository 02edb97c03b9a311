import Foundation
import Testing

/// open(2) with O_CREAT asks to make a name before it is known whether there is one: a denial of that is an event only
/// where there is none.
private struct Creation: CustomTestStringConvertible, Sendable {
    var name: String
    var flags: String
    /// What the caller gets.
    var errno: Int32 = 0
    /// What is reported under a policy that denies to create; nil: nothing.
    var action: String?

    var testDescription: String { "\(name), \(flags)" }
}

private let creations: [Creation] = [
    Creation(name: "there", flags: "os.O_CREAT|os.O_WRONLY"),
    Creation(name: "there", flags: "os.O_CREAT|os.O_RDWR|os.O_TRUNC"),
    Creation(name: "there", flags: "os.O_CREAT|os.O_RDONLY"),
    Creation(name: "there", flags: "os.O_CREAT|os.O_EXCL|os.O_WRONLY", errno: EEXIST),
    Creation(name: "link", flags: "os.O_CREAT|os.O_WRONLY"),
    Creation(name: "link", flags: "os.O_CREAT|os.O_WRONLY|os.O_NOFOLLOW", errno: ELOOP),
    Creation(name: "directory", flags: "os.O_CREAT|os.O_RDONLY", errno: EISDIR),
    Creation(name: "closed", flags: "os.O_CREAT|os.O_WRONLY", errno: EACCES, action: "file.write"),
    Creation(name: "new1", flags: "os.O_CREAT|os.O_WRONLY", errno: EACCES, action: "file.create"),
    Creation(name: "new2", flags: "os.O_CREAT|os.O_EXCL|os.O_WRONLY", errno: EACCES, action: "file.create"),
    Creation(name: "new3", flags: "os.O_CREAT|os.O_RDONLY", errno: EACCES, action: "file.create"),
    Creation(name: "dangling", flags: "os.O_CREAT|os.O_WRONLY", errno: EACCES, action: "file.create"),
    Creation(name: "directory/new", flags: "os.O_CREAT|os.O_WRONLY", errno: EACCES, action: "file.create"),
]

extension AgentTests {
    /// Files that are made unless they are there, on file systems whose names are cached and on such whose are not.
    @Suite(.serialized)
    final class CreationTests {
        private static let root = "/creation"
        private static let systems = ["ext4", "tmpfs", "overlay"]

        private static let build = """
            mkdir -p \(root); cd \(root); mkdir -p bin ext4 tmpfs overlay ends
            for end in $(seq 200); do : >ends/$end; done
            truncate -s 32M image; /usr/sbin/mkfs.ext4 -q image; mount -o loop image ext4; mount -t tmpfs none tmpfs
            make() { touch $1/there $1/closed; ln -s there $1/link; ln -s absent $1/dangling; mkdir $1/directory; }
            make tmpfs; make ext4; mkdir ext4/lower ext4/upper ext4/work; : >ext4/lower/lower
            mount -t overlay none -o lowerdir=ext4/lower,upperdir=ext4/upper,workdir=ext4/work overlay; make overlay
            """

        private static let runtime = """
            files:
              rules:
                - allow: [read, map, execute]
                  paths: [/usr/**, /etc/ld.so.cache, "\(root)/bin/*"]
                - {allow: [read, write], paths: ["\(root)/**"]}
                - {id: closed, deny: [write], paths: ["\(root)/*/closed"]}
                - {id: end, deny: [read], paths: ["\(root)/ends/*"]}

            """
        private static let new = "    - {id: no-new, deny: [create], paths: [\"\(root)/**\"]}\n"

        private static func program(_ name: String) -> String { "\(root)/bin/\(name)" }

        private static func policy(_ programs: [String], _ rules: String, mode: String = "enforce") -> String
        {
            let subjects = programs.map { "{exec: \(program($0))}" }.joined(separator: ", ")
            return "mode: \(mode)\nsubjects: [\(subjects)]\n\(runtime)\(rules)"
        }

        private var ends = 0

        private func forgetNames() throws {
            try "2".write(toFile: "/proc/sys/vm/drop_caches", atomically: false, encoding: .utf8)
        }

        /// What is reported of what an interpreter does in `body`.
        private func reports(
            _ agent: RunningAgent, _ interpreter: Interpreter, _ body: () throws -> Void
        ) throws -> [Event] {
            try body()
            // A denial behind them all.
            ends += 1
            _ = try interpreter.open("\(Self.root)/ends/\(ends)", "os.O_RDONLY")
            let isEnd: (Event) -> Bool = { $0["object", "path"] == "\(Self.root)/ends/\(self.ends)" }
            let events = try agent.events(until: isEnd)
            #expect(events.contains(where: isEnd))
            return events.filter { $0["rule", "id"] != "end" && $0["object", "path"] != nil }
        }

        @Test func `what is opened because it is there is no denied creation`() throws {
            let built = try Child("/bin/sh", "-e", "-c", Self.build).wait()
            try #require(built == 0)
            defer { _ = try? Child("/bin/sh", "-c", "cd \(Self.root); umount overlay ext4 tmpfs").wait() }
            let names = ["enforced", "layered", "complaining", "granted"]
            for name in names { try Interpreter.install(at: Self.program(name)) }
            let agent = try RunningAgent([
                "enforced": Self.policy(["enforced", "layered"], Self.new),
                "complaining": Self.policy(["complaining", "layered"], Self.new, mode: "complain"),
                "granted": Self.policy(
                    ["granted"],
                    "    - {id: noted, allow: [create], paths: [\"\(Self.root)/**\"], log: true}\n"),
            ])
            _ = try agent.events()
            var interpreters: [String: Interpreter] = [:]
            for name in names { interpreters[name] = try Interpreter(Self.program(name)) }
            for system in Self.systems {
                try checkEnforced(agent, try #require(interpreters["enforced"]), "\(Self.root)/\(system)")
                try checkOthers(agent, interpreters, "\(Self.root)/\(system)")
            }
            try checkMany(agent, try #require(interpreters["enforced"]))
            for interpreter in interpreters.values { interpreter.end() }
            try checkCounts(agent)
            #expect(try agent.end() == 0)
        }

        private func checkEnforced(
            _ agent: RunningAgent, _ interpreter: Interpreter, _ directory: String
        ) throws {
            for creation in creations {
                let path = "\(directory)/\(creation.name)"
                try forgetNames()
                let events = try reports(agent, interpreter) {
                    let error = try interpreter.open(path, creation.flags)
                    #expect(error == creation.errno, "\(path) \(creation.flags)")
                }
                // A symbolic link's denial is of what it leads to.
                let object = creation.name == "dangling" ? "\(directory)/absent" : path
                #expect(events.count == (creation.action == nil ? 0 : 1), "\(path) \(creation): \(events)")
                for event in events {
                    #expect(
                        event["kind"] == "denial" && event["verdict"] == "deny" && event["errno"] == "EACCES"
                            && event["action"] == creation.action && event["object", "path"] == object
                            && event["rule", "id"] == (creation.action == "file.write" ? "closed" : "no-new")
                            && event["process", "pid"] == "\(interpreter.identifier)", "\(event)")
                }
                if creation.action == "file.create" { #expect(access(object, F_OK) != 0, "\(object)") }
            }
            // What is known already, that there is none and that there is one.
            _ = try interpreter.perform(
                "os.access('\(directory)/new4', 0), os.access('\(directory)/there', 0)")
            let events = try reports(agent, interpreter) {
                let absent = try interpreter.open("\(directory)/new4", "os.O_CREAT|os.O_WRONLY")
                let there = try interpreter.open("\(directory)/there", "os.O_CREAT|os.O_WRONLY")
                #expect(absent == EACCES && there == 0)
            }
            #expect(events.map { $0["object", "path"] } == ["\(directory)/new4"], "\(events)")
        }

        /// What only complains makes the name; what reports a grant does.
        private func checkOthers(
            _ agent: RunningAgent, _ interpreters: [String: Interpreter], _ directory: String
        ) throws {
            let rows: [(program: String, errno: Int32, reports: Set<String>)] = [
                ("complaining", 0, ["complaining would-deny"]),
                ("granted", 0, ["granted allow"]),
                ("layered", EACCES, ["complaining would-deny", "enforced deny"]),
            ]
            for row in rows {
                let interpreter = try #require(interpreters[row.program])
                for name in ["there", "by-\(row.program)"] {
                    try forgetNames()
                    let path = "\(directory)/\(name)"
                    let isThere = name == "there"
                    let events = try reports(agent, interpreter) {
                        let error = try interpreter.open(path, "os.O_CREAT|os.O_WRONLY")
                        #expect(error == (isThere ? 0 : row.errno), "\(path) \(row)")
                    }
                    let found = Set(
                        events.map { "\($0["policy", "name"] ?? "") \($0["verdict"] ?? $0["kind"] ?? "")" })
                    #expect(found == (isThere ? [] : row.reports), "\(path) \(row): \(events)")
                    #expect(events.count == found.count, "\(events)")
                    #expect(events.allSatisfy { $0["action"] == "file.create" })
                }
            }
        }

        /// One after the other, without anything in between.
        private func checkMany(_ agent: RunningAgent, _ interpreter: Interpreter) throws {
            let directory = "\(Self.root)/ext4/many"
            let files = FileManager.default
            try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for number in stride(from: 0, to: 40, by: 2) {
                _ = files.createFile(atPath: "\(directory)/\(number)", contents: nil)
            }
            try forgetNames()
            let events = try reports(agent, interpreter) {
                for number in 0..<40 {
                    let error = try interpreter.open("\(directory)/\(number)", "os.O_CREAT|os.O_WRONLY")
                    #expect(error == (number % 2 == 0 ? 0 : EACCES))
                }
            }
            #expect(events.count == 20 && events.allSatisfy { $0["action"] == "file.create" }, "\(events)")
        }

        /// Every decision is in a line.
        private func checkCounts(_ agent: RunningAgent) throws {
            var counts: [String: Int] = [:]
            for _ in 0..<100 {
                counts = try agent.counts()
                if counts["waiting"] == 0 { break }
                usleep(100_000)
            }
            let sum = ["written", "aggregated", "unreported"].reduce(0) { $0 + (counts[$1] ?? 0) }
            #expect(counts["decided"] == counts["submitted"] && counts["submitted"] == sum, "\(counts)")
        }
    }
}
