internal import AuditLog
internal import Control
private import Glibc
internal import Policy

/// The agent, as one run asks it: makes the command's policies layers, and tells what these deny.
final class AgentLink {
    private var client: ControlClient
    private var isOpen = true
    private var hasHungUp = false
    let descriptor: CInt
    /// How many denials the agent could not tell, since they were not read.
    private(set) var missed = 0

    /// Something that the agent tells.
    struct Event {
        var report: DenialReport
        var process: ProcessIdentity
        var time: AuditTime
    }

    /// nil: no agent is there.
    ///
    /// - Parameter isRequired: then that is an error, too.
    init?(isRequired: Bool) throws(ControlClientError) {
        let path = ControlAddress.ofEnvironment()
        // Without an agent, one call is all that it costs.
        if !isRequired, unsafe access(path, F_OK) != 0 { return nil }
        do throws(ControlClientError) {
            client = try ControlClient(path: path)
        } catch {
            // A socket that nobody listens at any more, or that is not for us.
            if !isRequired, case .unreachable = error { return nil }
            throw error
        }
        descriptor = client.number
    }

    /// What is to be waited for; -1: nothing comes any more.
    var openDescriptor: CInt { isOpen ? descriptor : -1 }

    /// Has layers made; nil: the agent must be told what the policies are made from.
    func confine(
        _ digest: String, policies: JSON?, isFollowed: Bool
    ) throws(ControlClientError) -> ConfineResult? {
        try client.confine(digest: digest, policies: policies, isFollowed: isFollowed)
    }

    /// Says that the command has ended.
    func hangUp() {
        if !isOpen { return }
        hasHungUp = true
        client.hangUp()
    }

    /// The next denial that is there; nil: none is, or none comes any more.
    func next() -> Event? {
        while isOpen {
            do throws(ControlClientError) {
                guard let (parameters, isLast) = try client.nextReply() else { return nil }
                if isLast { isOpen = false }
                if let count = parameters["missed"]?.intValue { missed += max(0, count) }
                if let event = Event(parameters) { return event }
            } catch {
                isOpen = false
                if hasHungUp { return nil }
                StandardError.say(
                    "the agent has ended: what it enforces still is, and denials are not reported any more")
            }
        }
        return nil
    }
}

extension AgentLink.Event {
    /// What a reply tells; nil: nothing.
    fileprivate init?(_ reply: JSON) {
        guard let event = reply["event"], let time = event["time"]?.stringValue.flatMap(AuditTime.init),
            let process = Self.process(event["process"]),
            let verdict = event["verdict"]?.stringValue.flatMap(AuditEvent.Verdict.init(rawValue:)),
            let object = event["object"], let policy = event["policy"],
            let name = policy["name"]?.stringValue
        else { return nil }
        let denied = event["denied"]?.items?.compactMap(\.stringValue) ?? []
        let accesses = event["access"]?.items?.compactMap(\.stringValue) ?? denied
        let rule = event["rule"].flatMap { Self.rule($0, reason: reply["reason"]?.stringValue) }
        let parts = accesses.map { access in
            Decision.Part(
                access: access, verdict: denied.contains(access) ? .deny : .allow, rule: rule, log: true)
        }
        guard !parts.isEmpty, let request = Self.request(object, denied.first ?? accesses.first ?? "") else {
            return nil
        }
        self.time = time
        self.process = process
        report = DenialReport(
            judgement: Judgement(
                policy: PolicyReference(
                    name: name, digest: policy["digest"]?.stringValue,
                    generation: policy["generation"]?.intValue.flatMap(UInt64.init(exactly:)),
                    mode: verdict == .wouldDeny ? .complain : .enforce),
                request: request, decision: Decision(parts: parts), layer: .lsm),
            code: event["errno"]?.stringValue.flatMap(Self.number))
    }

    private static func number(ofError name: String) -> CInt? {
        switch name {
        case "EPERM": EPERM
        case "EACCES": EACCES
        case "EXDEV": EXDEV
        case "ENOSYS": ENOSYS
        default: CInt(name)
        }
    }

    private static func bytes(_ json: JSON?) -> [UInt8]? { json?.stringValue.map(AuditText.bytes(of:)) }

    private static func process(_ json: JSON?) -> ProcessIdentity? {
        guard let json, let pid = json["pid"]?.intValue.flatMap(Int32.init(exactly:)) else { return nil }
        func number(_ name: String) -> UInt32? { json[name]?.intValue.flatMap(UInt32.init(exactly:)) }
        return ProcessIdentity(
            pid: pid, tid: json["tid"]?.intValue.flatMap(Int32.init(exactly:)),
            ppid: json["ppid"]?.intValue.flatMap(Int32.init(exactly:)),
            start: json["start"]?.intValue.flatMap(UInt64.init(exactly:)), uid: number("uid"),
            gid: number("gid"), comm: bytes(json["comm"]), exe: bytes(json["exe"]),
            cgroup: bytes(json["cgroup"]))
    }

    /// `web.yaml:12` is a file and a line.
    private static func rule(_ json: JSON, reason: String?) -> DecidingRule? {
        guard let id = json["id"]?.stringValue else { return nil }
        var location: SourceLocation?
        if let source = json["source"]?.stringValue, let colon = source.lastIndex(of: ":"),
            let line = Int(source[source.index(after: colon)...])
        {
            location = SourceLocation(file: String(source[..<colon]), line: line)
        }
        return DecidingRule(id: id, location: location, reason: reason)
    }

    private static func request(_ object: JSON, _ access: String) -> Request? {
        let name = object["name"]?.stringValue ?? ""
        switch object["type"]?.stringValue {
        case "file":
            return .file(
                path: bytes(object["path"]) ?? [],
                FileAccess(name: access).map { FileAccessSet($0) } ?? [])
        case "socket": return socket(object, access)
        case "capability": return Capability(name: name).map { .capability($0) }
        case "operation": return Operation(rawValue: name).map { .operation($0) }
        default: return nil
        }
    }

    private static func socket(_ object: JSON, _ access: String) -> Request? {
        let family = object["family"]?.stringValue ?? ""
        guard let access = NetworkAccess(name: access) else {
            let number = SocketFamily(word: family)?.number ?? UInt32(family)
            return number.map { .socket(family: $0, protocolNumber: 0) }
        }
        if let text = object["address"]?.stringValue, let address = IPAddress(text) {
            let transport = TransportProtocol.allCases.first { $0.name == object["protocol"]?.stringValue }
            let port = object["port"]?.intValue.flatMap(UInt16.init(exactly:)) ?? 0
            return .network(access, .inet(transport ?? .tcp, address, port))
        }
        if let name = bytes(object["abstract"]) { return .network(access, .unixAbstract(name)) }
        return .network(access, .unixPath(bytes(object["path"]) ?? []))
    }
}
