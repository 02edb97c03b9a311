import Foundation
import Policy
import Testing

@testable import Control

/// What the service says to calls, without sockets.
@Suite struct ServiceTests {
    private let service = ControlService(version: "1.2.3")
    private static let root = ControlPeer(pid: 1, uid: 0)

    /// The reply to a message; nil: it is no call, or the agent is asked.
    private func reply(_ message: String, from peer: ControlPeer = root) throws -> VarlinkReply? {
        let call = try #require(VarlinkCall(message: Array(message.utf8)), "\(message)")
        guard case .replies(let replies) = service.step(call, from: peer) else { return nil }
        #expect(replies.count == 1)
        return replies.first
    }

    @Test func `the service describes itself`() throws {
        let info = try #require(try reply(#"{"method":"org.varlink.service.GetInfo"}"#))
        #expect(info.error == nil && info.parameters["version"]?.stringValue == "1.2.3")
        #expect(
            info.parameters["interfaces"]?.items?.compactMap(\.stringValue)
                == ["org.varlink.service", "io.swguard.Control"])
        for name in ["org.varlink.service", "io.swguard.Control"] {
            let description = try reply(
                #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"\#(name)"}}"#
            )
            let text = try #require(description?.parameters["description"]?.stringValue)
            #expect(text.contains("\ninterface \(name)\n") && text.hasSuffix("\n"))
        }
    }

    @Test(
        arguments: [
            (
                #"{"method":"org.example.Nothing"}"#, "org.varlink.service.InterfaceNotFound", "interface",
                "org.example"
            ),
            (#"{"method":"Status"}"#, "org.varlink.service.InterfaceNotFound", "interface", ""),
            (
                #"{"method":"io.swguard.Control.Stauts"}"#, "org.varlink.service.MethodNotFound", "method",
                "io.swguard.Control.Stauts"
            ),
            (
                #"{"method":"org.varlink.service.X"}"#, "org.varlink.service.MethodNotFound", "method",
                "org.varlink.service.X"
            ),
            (
                #"{"method":"io.swguard.Control.Ps","parameters":{"all":true}}"#,
                "org.varlink.service.InvalidParameter", "parameter", "all"
            ),
            (
                #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":7}}"#,
                "org.varlink.service.InvalidParameter", "parameter", "interface"
            ),
            (
                #"{"method":"org.varlink.service.GetInterfaceDescription"}"#,
                "org.varlink.service.InvalidParameter", "parameter", "interface"
            ),
            (
                #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"a.b"}}"#,
                "org.varlink.service.InterfaceNotFound", "interface", "a.b"
            ),
            (
                #"{"method":"io.swguard.Control.Ps","upgrade":true}"#, "org.varlink.service.InvalidParameter",
                "parameter", "upgrade"
            ),
        ])
    func `a wrong call is an error of Varlink's`(
        _ message: String, _ error: String, _ key: String, _ value: String
    )
        throws
    {
        let reply = try #require(try reply(message))
        #expect(reply.error == error && reply.parameters[key]?.stringValue == value, "\(reply)")
    }

    @Test(
        arguments: [
            "", "{}", "[]", "null", "1", #"{"method":1}"#, #"{"method":"a.B","parameters":[]}"#,
            #"{"method":"a.B","parameters":1}"#, #"{"method":"a.B","more":1}"#,
            #"{"method":"a.B","more":"true"}"#,
            #"{"method":"a.B","method":"a.C"}"#, #"{"method":"a.B"}x"#, "{\"method\":\"\u{1}\"}",
        ])
    func `what is no call is none`(_ message: String) {
        #expect(VarlinkCall(message: Array(message.utf8)) == nil)
    }

    @Test func `everybody may ask and confine himself, and root alone may change what is enforced`() throws {
        let digest = String(repeating: "a", count: 64)
        for uid: UInt32 in [0, 1001] {
            let peer = ControlPeer(pid: 5, uid: uid)
            for method in ["Status", "Policies", "Ps"] {
                #expect(try reply(#"{"method":"io.swguard.Control.\#(method)"}"#, from: peer) == nil)
            }
            let confine = #"{"method":"io.swguard.Control.Confine","parameters":{"digest":"\#(digest)"}}"#
            #expect(try reply(confine, from: peer) == nil)
            for method in ["Reload", "Rollback"] {
                let reply = try reply(#"{"method":"io.swguard.Control.\#(method)"}"#, from: peer)
                #expect(reply?.error == (uid == 0 ? nil : "org.varlink.service.PermissionDenied"))
            }
        }
    }

    @Test(arguments: [#"{"digest":"ab"}"#, #"{}"#, #"{"digest":7}"#, #"{"digest":null,"more":1}"#])
    func `what is asked to be confined by has a digest`(_ parameters: String) throws {
        let reply = try reply(#"{"method":"io.swguard.Control.Confine","parameters":\#(parameters)}"#)
        #expect(reply?.error == "org.varlink.service.InvalidParameter")
    }

    @Test func `a long list comes in pieces to whoever takes them, and is an error to others`() throws {
        let processes = (0..<20_000).map { ConfinedProcess.sample(pid: $0) }
        let replies = ControlService.replies(.processes(generation: 3, processes), more: true)
        #expect(replies.count > 4)
        #expect(replies.map(\.continues) == Array(repeating: true, count: replies.count - 1) + [false])
        #expect(replies.allSatisfy { $0.message.count < ControlService.messageLimit })
        let items = replies.flatMap { $0.parameters["processes"]?.items ?? [] }
        #expect(items.compactMap { $0["pid"]?.intValue } == Array(0..<20_000))
        let refused = ControlService.replies(.processes(generation: 3, processes), more: false)
        #expect(refused.count == 1 && refused[0].error == "io.swguard.Control.TooLarge")
        let few = ControlService.replies(.processes(generation: 3, Array(processes.prefix(100))), more: false)
        #expect(few.count == 1 && few[0].error == nil && !few[0].continues)
        let none = ControlService.replies(.policies(generation: 0, []), more: true)
        #expect(none.count == 1 && none[0].parameters["policies"]?.items?.isEmpty == true)
    }

    @Test func `what is said is read as it was meant`() throws {
        var counts = EventCounts()
        (counts.decided, counts.submitted, counts.ring, counts.quiet) = (10, 7, 2, 1)
        (counts.written, counts.aggregated, counts.waiting, counts.unreported) = (3, 2, 1, 1)
        let policy = PolicyStatus.sample(counts)
        #expect(PolicyStatus(policy.json) == policy)
        let process = ConfinedProcess.sample(pid: 4)
        #expect(ConfinedProcess(process.json) == process)
        let status = AgentStatus.sample(counts)
        #expect(AgentStatus(status.json) == status)
        // Of each, no member may be missing or of another type.
        for json in [policy.json, process.json, status.json] {
            for (index, member) in (json.members ?? []).enumerated()
            where !["exe", "user", "cgroup", "container"].contains(member.0) {
                var members = json.members ?? []
                members[index].1 = .object([])
                let changed = JSON.object(members)
                #expect(
                    PolicyStatus(changed) == nil && ConfinedProcess(changed) == nil
                        && AgentStatus(changed) == nil
                        || member.0 == "extent", "\(member.0)")
            }
        }
    }

    @Test func `only root may change it`() throws {
        for method in ["Load", "Unload", "Reload", "Rollback"] {
            let denied = try reply(
                #"{"method":"io.swguard.Control.\#(method)"}"#, from: ControlPeer(pid: 5, uid: 1000))
            #expect(denied?.error == "org.varlink.service.PermissionDenied", "\(method)")
        }
    }

    @Test(
        arguments: [
            #"{}"#, #"{"files":[]}"#, #"{"files":"/a"}"#, #"{"files":["/a",1]}"#, #"{"files":["/a\u0000"]}"#,
            #"{"files":["/a"],"other":1}"#, #"{"names":["/a"]}"#,
        ])
    func `what is to be loaded is a list of strings`(parameters: String) throws {
        let refused = try reply(#"{"method":"io.swguard.Control.Load","parameters":\#(parameters)}"#)
        #expect(refused?.error == "org.varlink.service.InvalidParameter", "\(parameters)")
    }

    @Test func `what is to be loaded reaches the agent`() throws {
        let call = try #require(
            VarlinkCall(
                message: Array(#"{"method":"io.swguard.Control.Load","parameters":{"files":["/a"]}}"#.utf8)))
        guard case .ask(let request) = service.step(call, from: Self.root) else {
            Issue.record("the agent is not asked")
            return
        }
        #expect(request == .load(["/a"]))
    }

    @Test func `every method and every member stands in the interface's file`() throws {
        let description = ControlInterface.description
        for method in ControlInterface.methods {
            #expect(description.contains("\nmethod \(method.name)("))
        }
        let words = Set(description.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
        func check(_ json: JSON) {
            for (name, value) in json.members ?? [] {
                #expect(words.contains(name), "\(name)")
                check(value)
            }
            for item in json.items ?? [] { check(item) }
        }
        for method in ControlInterface.methods {
            #expect(words.contains(method.parameter ?? method.name), "\(method.name)")
        }
        check(
            ChangeResult(generation: 1, changes: [PolicyChange(policy: "a", kind: .loaded)], refused: 0).json)
        check(DiagnosticJSON.json(.sample))
        for kind in PolicyChange.Kind.allCases { #expect(words.contains(kind.rawValue)) }
        check(AgentStatus.sample(EventCounts()).json)
        check(PolicyStatus.sample(EventCounts()).json)
        check(ConfinedProcess.sample(pid: 1).json)
    }
}

extension ConfinedProcess {
    static func sample(pid: Int) -> Self {
        Self(
            pid: pid, start: 81_200_340_112, threads: 2, comm: "nginx", exe: "/usr/sbin/nginx", uid: 33,
            user: "www-data", cgroup: "/system.slice/nginx.service", container: "web",
            policies: ["web-server"])
    }
}

extension PolicyStatus {
    static func sample(_ counts: EventCounts) -> Self {
        Self(
            name: "web-server", file: "web-server.yaml", complains: true, digest: "sha256:00",
            sections: [
                Section(name: "files", extent: .partial, gaps: ["metadata: not seen"]),
                Section(name: "network", extent: .full, gaps: []),
            ], counts: counts)
    }
}

extension AgentStatus {
    static func sample(_ counts: EventCounts) -> Self {
        Self(
            version: "1.2.3", pid: 4, since: "2026-11-22T10:15:30.000000000Z", generation: 7,
            changed: "2026-11-22T10:16:30.000000000Z", extent: .partial, policies: 1, refused: 0,
            unwritten: 0,
            counts: counts, kernel: "6.12", facts: [KernelFact(name: "bpf-lsm", text: "runs")])
    }
}
